import { closeSync } from 'node:fs';
import {
  type EpochReport,
  evaluate,
  loadPredictor,
  type ReadableFile,
  readGivenWeights,
  type TestedLearningRates,
  type TrainRequest,
  type TrainResult,
  testLearningRates,
  train,
} from '../engine/index.ts';
import { readableFile } from '../lib/file-numbers.ts';
import { openAgain } from '../lib/nameless-file.ts';
import { type GoldenRows, goldenInstances, goldenRows } from '../models/golden-rows.ts';
import type { Preprocessing } from '../preprocessing/index.ts';
import { type DataToOpen, narrowData, type OpenData, openData } from './open-data.ts';
import { engineTask, learningRateRange, type TrainingRequest } from './training-request.ts';
import { describeWeights, weightsTexts } from './weights-texts.ts';

/** A state on its way between threads, in a file that is open in this process: it may be larger than what there is memory for. */
export interface StateFile {
  readonly fd: number;
  readonly bytes: number;
}

/** A training as a thread is given it: everything it reads, and nothing of the service. */
export interface TrainingTask extends DataToOpen {
  readonly request: Pick<
    TrainingRequest,
    'kind' | 'initial_weights' | 'diagnostics' | 'spec' | 'task' | 'training' | 'target' | 'outputs' | 'features' | 'split'
  > & {
    readonly window?: TrainingRequest['window'];
  };
  readonly backend: TrainRequest['backend'];
  /** The state of a checkpoint to go on from. */
  readonly resumeFrom?: StateFile;
}

/** A training that has ended, with what its weights are used with. */
export interface TrainedNetwork {
  readonly result: TrainResult;
  readonly preprocessing: Preprocessing;
  readonly golden: GoldenRows;
}

/** A range test that has ended. It leaves no weights. */
export interface TestedRates {
  readonly rates: TestedLearningRates;
}

/** The task of a request: of the dataset only the columns that it names. */
export function trainingTask(asked: TrainingTask): TrainingTask {
  return { ...asked, ...narrowData(asked) };
}

/**
 * Prepares the data, runs what the kind of the job asks for and lets the trained network answer its golden rows. Yields after
 * every epoch, as `train` does.
 */
export function* runTraining(
  asked: TrainingTask,
  running: Pick<TrainRequest, 'control' | 'now'>,
): Generator<EpochReport, TrainedNetwork | TestedRates, void> {
  const opened = openData(asked);
  const state = asked.resumeFrom && openState(asked.resumeFrom);
  try {
    return yield* runOn(opened, asked, { ...running, ...(state && { resumeFrom: state.file }) });
  } finally {
    opened.close();
    state?.close();
  }
}

/** The state as this thread reads it. */
function openState({ fd, bytes }: StateFile): { readonly file: ReadableFile; close(): void } {
  const own = openAgain(fd, 'r');
  return { file: readableFile({ fd: own, bytes }), close: () => closeSync(own) };
}

function* runOn(
  { data, split, preprocessing, windows, table }: OpenData,
  { request, schema, backend }: TrainingTask,
  running: Pick<TrainRequest, 'control' | 'now' | 'resumeFrom'>,
): Generator<EpochReport, TrainedNetwork | TestedRates, void> {
  const { kind, spec, task, training, features, initial_weights, diagnostics } = request;
  const instances = goldenInstances({ table, schema, features, trainRows: split.train, ...(windows && { windowRows: windows.rowsOf }) });
  const given =
    initial_weights === null ? {} : { initialWeights: readGivenWeights({ spec, given: initial_weights, complete: false }).tensors };
  const stateTexts = weightsTexts(describeWeights(spec, preprocessing));
  const shared = { spec, task: engineTask(task), training, data, split, backend, diagnostics, stateTexts };
  const engineRequest = { ...shared, ...given, ...running };
  if (kind === 'lr_range_test') return { rates: testLearningRates(engineRequest, learningRateRange(training)) };
  const result = kind === 'evaluation' ? evaluate(engineRequest) : yield* train(engineRequest);
  const predictor = loadPredictor({ spec, weights: result.weights, backend });
  const measured = { ...result, metrics: { ...result.metrics, ...windows?.baselines } };
  return { result: measured, preprocessing, golden: goldenRows({ preprocessing, predictor }, instances) };
}
