import type { RunResult, Session } from '../backends/backend.ts';
import { CONTROL } from '../backends/backend.ts';
import { backendFor } from '../backends/select.ts';
import type { TrainingPlan } from '../plan/training-plan.ts';
import { permutation, STREAMS, seedWords } from '../random.ts';
import { decodeState, encodeState, type RunState, stateBlocks, viewOfBlock } from './engine-state.ts';
import { trackEpoch, trackedMetric } from './epoch-tracker.ts';
import { dealFeatures, type Feed } from './feeds.ts';
import { planJob } from './job-plan.ts';
import type { Metrics, TrainRequest } from './training.ts';
import { initializeWeights, type WeightsMemory } from './weights-memory.ts';

/** How an epoch or an evaluation ended; `metrics` without a prefix. */
export type PartResult =
  | { readonly end: 'done'; readonly metrics: Metrics }
  | { readonly end: 'stopped' }
  | { readonly end: 'divergence'; readonly step: number; readonly detail: string };

/** A compiled job with its memory: what the trainer drives, epoch by epoch. */
export interface TrainingRun extends RunState {
  readonly memory: WeightsMemory;
  /** One epoch of updates. */
  trainEpoch(): PartResult;
  /** The metrics over some rows with the weights as they are, in inference mode. */
  evaluate(rows: Int32Array): PartResult;
  /** Counts the epoch in for best weights and early stopping. */
  finishEpoch(metrics: Metrics): void;
  restoreBest(): void;
  encodeState(): Uint8Array;
}

export function createTrainingRun(request: TrainRequest): TrainingRun {
  const { spec, task, training, data, split } = request;
  if (data.targets instanceof Int32Array !== (task === 'classification')) throw new Error(`Targets do not fit the task ${task}`);
  if (split.train.length === 0) throw new Error('There is no row to train on');
  const plan = planJob({ spec, task, training, rows: split.train.length });
  const arena = new ArrayBuffer(plan.arenaBytes);
  const backend = backendFor(request.backend, [plan.training, plan.evaluation]);
  const sessions = { training: backend.load(plan.training, arena), evaluation: backend.load(plan.evaluation, arena) };
  const memory = { weights: plan.weights, layout: plan.layout, arena };
  const feeds = [...dealFeatures(data.inputs ?? data.features, data.rows, plan.inputs), data.targets, ...(data.furtherTargets ?? [])];
  const part = { request, plan, arena, feeds };
  let state = startState(request, memory);

  const restorable = [plan.layout.trainable, plan.layout.others].map((block) => viewOfBlock(block, arena));
  const metric = trackedMetric(training, split.validation.length > 0);
  const stepsPerEpoch = Math.ceil(split.train.length / plan.training.batchSize);
  const learningRates = new Float64Array(stepsPerEpoch).fill(training.optimizer.learning_rate);

  return {
    memory,
    get epoch() {
      return state.epoch;
    },
    get step() {
      return state.step;
    },
    get tracked() {
      return state.tracked;
    },
    get bestWeights() {
      return state.bestWeights;
    },
    trainEpoch() {
      const order = epochOrder(request, state.epoch);
      const result = runPart(part, sessions.training, { order, firstStep: state.step, learningRates });
      if (result.end === 'done') state = { ...state, epoch: state.epoch + 1, step: state.step + stepsPerEpoch };
      return result;
    },
    evaluate: (rows) => runPart(part, sessions.evaluation, { order: rows, firstStep: state.step, learningRates: NO_UPDATES }),
    finishEpoch(metrics) {
      const tracked = trackEpoch(state.tracked, state.epoch, metric, metrics, training);
      const isBest = tracked.best?.epoch === state.epoch;
      const keep = training.early_stopping?.restore_best && isBest;
      state = { ...state, tracked, bestWeights: keep ? concatenate(restorable) : state.bestWeights };
    },
    restoreBest() {
      let from = 0;
      for (const block of restorable) {
        if (state.bestWeights) block.set(state.bestWeights.subarray(from, from + block.length));
        from += block.length;
      }
    },
    encodeState: () => encodeState(state, plan.layout, arena),
  };
}

const NO_UPDATES = new Float64Array(0);

interface Memory {
  readonly request: TrainRequest;
  readonly plan: TrainingPlan;
  readonly arena: ArrayBuffer;
  readonly feeds: readonly Feed[];
}

interface Part {
  readonly order: Int32Array;
  readonly firstStep: number;
  readonly learningRates: Float64Array;
}

function startState({ training, resumeFrom }: TrainRequest, memory: WeightsMemory): RunState {
  if (!resumeFrom) {
    initializeWeights(memory, training.seed);
    return { epoch: 0, step: 0, tracked: { best: null, wait: 0 }, bestWeights: null };
  }
  const { blocks, ...state } = decodeState(resumeFrom, memory.layout);
  stateBlocks(memory.layout).forEach((block, i) => {
    viewOfBlock(block, memory.arena).set(blocks[i]!);
  });
  return state;
}

/** The training rows in the order of an epoch (from 0): a permutation drawn from the seed and the epoch. */
function epochOrder({ training, split: { train } }: TrainRequest, epoch: number): Int32Array {
  return training.shuffle ? permutation(training.seed, STREAMS.shuffle, epoch, train.length).map((position) => train[position]!) : train;
}

/** All batches of a part in one call of the backend, which looks at the stop flag before each step. */
function runPart({ request, plan, arena, feeds }: Memory, session: Session, part: Part): PartResult {
  new Uint8Array(arena, plan.accumulators.byteOffset, plan.accumulators.bytes).fill(0);
  const { data, training, control } = request;
  const result = session.run({
    feeds,
    ...part,
    from: 0,
    to: part.order.length,
    seed: seedWords(training.seed),
    control,
  });
  if (result.nonFinite !== null) return divergence(plan, part, result);
  if (Atomics.load(control, CONTROL.stop) !== 0) return { end: 'stopped' };
  return { end: 'done', metrics: readMetrics(plan, arena, data.targetStd) };
}

function divergence({ training }: TrainingPlan, { firstStep }: Part, { steps, nonFinite }: RunResult): PartResult {
  const firstGuard = training.commands.findIndex(({ kernel }) => kernel === 'guard_finite');
  const step = firstStep + steps;
  const what = nonFinite === firstGuard ? 'loss' : 'gradient';
  return { end: 'divergence', step, detail: `The ${what} of update ${step + 1} is not finite; the weights are those before it.` };
}

function readMetrics({ metrics }: TrainingPlan, arena: ArrayBuffer, targetStd: Float64Array | undefined): Metrics {
  return Object.fromEntries(
    metrics.map(({ metric, accumulator: { byteOffset, length } }) => [
      metric.type,
      metric.result(new Float64Array(arena, byteOffset, length), targetStd),
    ]),
  );
}

function concatenate(blocks: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(blocks.reduce((length, block) => length + block.length, 0));
  let from = 0;
  for (const block of blocks) {
    all.set(block, from);
    from += block.length;
  }
  return all;
}
