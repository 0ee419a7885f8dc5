import { backendFor } from '../backends/select.ts';
import { readSchema } from '../json-schema.ts';
import { OPTIMIZERS } from '../optimizers/index.ts';
import { weightsBlock } from '../plan/weights-layout.ts';
import { seedWords } from '../random.ts';
import type { NamedTensor } from '../weights/tensor.ts';
import { encodeState, type RunState, restoreState, viewOfBlock } from './engine-state.ts';
import { epochOrder } from './epoch-order.ts';
import { trackEpoch, trackedMetric } from './epoch-tracker.ts';
import { planJob } from './job-plan.ts';
import { createDiagnostics, type LayerDiagnostics } from './layer-diagnostics.ts';
import { DEFAULT_RANGE, sweepLearningRates } from './learning-rate-sweep.ts';
import { learningRates } from './learning-rates.ts';
import { nextPerceptron } from './perceptron-outcome.ts';
import { rowFeeds, seenRows } from './row-feeds.ts';
import { type Compiled, type PartResult, runPart } from './run-part.ts';
import type { Metrics, TrainRequest } from './training.ts';
import { firstWeights, readWeights, type WeightsMemory } from './weights-memory.ts';

/** A compiled job with its memory: what the trainer drives, epoch by epoch. */
export interface TrainingRun {
  /** Where the run stands now. */
  readonly state: RunState;
  readonly memory: WeightsMemory;
  /** Rate of the last update. */
  readonly latestRate: number;
  /** The variant of the backend that runs it. */
  readonly backend: string;
  /** One epoch of updates. */
  trainEpoch(): PartResult;
  /** The metrics over some rows with the weights as they are, in inference mode. */
  evaluate(rows: Int32Array): PartResult;
  /** Counts the epoch in: best weights, early stopping, schedule. */
  finishEpoch(metrics: Metrics): void;
  /** How the layers are doing now, from one more step on a copy. */
  diagnose(): readonly LayerDiagnostics[];
  restoreBest(): void;
  encodeState(): Uint8Array[];
  /** What was learned, in spec order. It ends the run: all memory but that of the weights is given back before they are copied. */
  takeWeights(): NamedTensor[];
  /** Gives the run's memory back: whoever uses what was learned needs room of their own. */
  release(): void;
}

/** Plans a job and allocates what it needs. */
export function compile(request: TrainRequest): Compiled {
  const { spec, task, training, split } = request;
  if (split.train.length === 0) throw new Error('There is no row to train on');
  const { target, furtherTargets, weightsPerRow } = seenRows(request);
  if ((target === 'classes') !== (task === 'classification')) throw new Error(`Targets do not fit the task ${task}`);
  const plan = planJob({ spec, task, training, rows: split.train.length, weightsPerRow, furtherTargets });
  const backend = backendFor(request.backend, [plan.training, plan.evaluation]);
  const rows = rowFeeds(request, plan.inputs);
  const bound = backend.bind([plan.training, plan.evaluation], request.training.threads);
  return { ...bound, request, plan, backend, rows, sessions: { training: bound.sessions[0]!, evaluation: bound.sessions[1]! } };
}

export function createTrainingRun(request: TrainRequest): TrainingRun {
  const { training, split } = request;
  const compiled = compile(request);
  const { plan, arena, backend, rows } = compiled;
  const memory = { weights: plan.weights, layout: plan.layout, arena };
  const stepsPerEpoch = Math.ceil(split.train.length / plan.training.batchSize);
  const rates = new Float64Array(stepsPerEpoch);
  const weights = viewOfBlock(weightsBlock(plan.layout), arena);
  const metric = trackedMetric(training, split.validation.length > 0);
  const start = startState(request, compiled, memory);
  const context = { learningRate: start.learningRate, totalSteps: training.epochs * stepsPerEpoch };
  const schedule = learningRates(training, context, split.validation.length > 0);
  let state: RunState = { ...start, plateau: start.plateau ?? schedule.start() };
  const layerNames = new Set(request.spec.layers.map(({ name }) => name));
  let diagnostics: ReturnType<typeof createDiagnostics> | null = null;

  return {
    memory,
    backend: backend.variant,
    get state() {
      return state;
    },
    get latestRate() {
      return rates.at(-1)!;
    },
    trainEpoch() {
      schedule.fill(rates, state.step, state.plateau);
      const order = epochOrder(request, state.epoch);
      const result = runPart(compiled, { side: 'training', order, firstStep: state.step, learningRates: rates });
      if (result.end === 'done') {
        state = { ...state, epoch: state.epoch + 1, step: state.step + stepsPerEpoch };
        const seen = { epoch: state.epoch, errors: result.metrics['loss']!, fixedOrder: !training.shuffle };
        const perceptron = state.perceptron && nextPerceptron(state.perceptron, { ...seen, weights: () => weights.slice() });
        state = { ...state, perceptron };
      }
      return result;
    },
    evaluate: (order) => runPart(compiled, { side: 'evaluation', order, firstStep: state.step, learningRates: NO_UPDATES }),
    finishEpoch(metrics) {
      const tracked = trackEpoch(state.tracked, state.epoch, metric, metrics, training);
      const plateau = schedule.next(state.plateau, metrics);
      // Always in the same memory: each network of a large training would be garbage as large as the next.
      const isBest = tracked.best?.epoch === state.epoch;
      const bestWeights = state.bestWeights ?? (isBest ? new Float32Array(weights.length) : null);
      if (isBest) bestWeights?.set(weights);
      state = { ...state, tracked, plateau, bestWeights };
    },
    diagnose() {
      diagnostics ??= createDiagnostics(plan, backend);
      const batch = rows.place(epochOrder(request, state.epoch).subarray(0, plan.training.batchSize));
      const seed = seedWords(training.seed);
      const nodes = diagnostics(arena, { batch, number: state.step, learningRate: rates.at(-1)!, seed });
      // The loss emits nodes under its own name.
      return nodes.filter(({ layer }) => layerNames.has(layer));
    },
    restoreBest() {
      if (state.bestWeights) weights.set(state.bestWeights);
    },
    encodeState: () => encodeState(state, memory, request.stateTexts),
    takeWeights() {
      const { byteOffset, bytes } = weightsBlock(plan.layout);
      compiled.release(byteOffset + bytes);
      return readWeights(memory);
    },
    release: () => compiled.release(),
  };
}

const NOTHING_TRACKED: RunState['tracked'] = { best: null, wait: 0 };
const NO_UPDATES = new Float64Array(0);

/** Where a run begins, but for what its schedule begins with. */
function startState(request: TrainRequest, compiled: Compiled, memory: WeightsMemory): RunState {
  const { training, resumeFrom } = request;
  if (resumeFrom) return fitted(restoreState(resumeFrom, memory), request);
  const learningRate = training.optimizer.learning_rate === 'auto' ? findRate(request, compiled, memory) : training.optimizer.learning_rate;
  firstWeights(memory, request);
  const perceptron = training.optimizer.type === 'perceptron' ? ({ outcome: 'learning', earlier: null } as const) : null;
  return { epoch: 0, step: 0, learningRate, tracked: NOTHING_TRACKED, bestWeights: null, plateau: null, perceptron };
}

/** A state as a request goes on from it that may be another than the one which made it: what was seen for other options is void. */
function fitted(state: RunState, { training, split }: TrainRequest): RunState {
  const { learning_rate: given } = training.optimizer;
  const learningRate = given === 'auto' ? state.learningRate : given;
  const plateau = learningRate === state.learningRate ? state.plateau : null;
  const isTracked = state.tracked.best?.metric === trackedMetric(training, split.validation.length > 0);
  const best = isTracked ? {} : { tracked: NOTHING_TRACKED, bestWeights: null };
  return { ...state, learningRate, plateau, ...best };
}

/** The rate a range test suggests for the very weights and rows of the job; the optimizer's default where the loss never falls. */
function findRate(request: TrainRequest, compiled: Compiled, memory: WeightsMemory): number {
  firstWeights(memory, request);
  const { suggested_learning_rate: suggested } = sweepLearningRates(compiled, DEFAULT_RANGE);
  // What the sweep has written is not what the training starts from.
  new Uint8Array(memory.arena).fill(0);
  return suggested ?? defaultRate(request.training.optimizer.type);
}

function defaultRate(optimizer: string): number {
  const definition = Object.values(OPTIMIZERS).find(({ type }) => type === optimizer);
  return Number(readSchema(definition!.options).properties!['learning_rate']!.default);
}
