import { CONTROL, STOP } from '../backends/backend.ts';
import { isExhausted } from './epoch-tracker.ts';
import type { Results } from './results.ts';
import type { PartResult } from './run-part.ts';
import type { EpochReport, Metrics, TrainerStopReason, TrainRequest, TrainResult } from './training.ts';
import type { TrainingRun } from './training-run.ts';
import { createTrainingRun } from './training-run.ts';

/**
 * Trains a checked spec and yields after every epoch. Resumed from a report's state, it goes on exactly as if it had never
 * stopped: the same weights and the same metrics, bit by bit.
 */
export function* train(request: TrainRequest): Generator<EpochReport, TrainResult, void> {
  const run = createTrainingRun(request);
  try {
    return yield* trainEpochs(run, request);
  } finally {
    run.release();
  }
}

function* trainEpochs(run: TrainingRun, request: TrainRequest): Generator<EpochReport, TrainResult, void> {
  const { training, control, now } = request;
  let latest: Metrics = {};
  while (run.state.epoch < training.epochs && !isSettled(run, request)) {
    const startedAt = now();
    const result = runEpoch(run, request);
    if (result.end === 'stopped' && takeConclude(control)) return finish(run, request, 'concluded', latest);
    if (result.end !== 'done') return brokenOff(run, result, latest);
    latest = result.metrics;
    run.finishEpoch(latest);
    yield reportEpoch(run, request, { results: result, seconds: (now() - startedAt) / 1000 });
  }
  return finish(run, request, endOf(run, request), latest);
}

/** Measures the weights a request brings on the parts of its split, without a step of training. */
export function evaluate(request: TrainRequest): TrainResult {
  const { training } = request;
  // Without updates there is no rate to look for.
  const optimizer = { ...training.optimizer, learning_rate: 0 };
  const run = createTrainingRun({ ...request, training: { ...training, optimizer } });
  try {
    return finish(run, request, 'completed', {});
  } finally {
    run.release();
  }
}

/** Whether the stop was a request to conclude. It is taken: the backend can run again, to evaluate. */
function takeConclude(control: Int32Array): boolean {
  return Atomics.compareExchange(control, CONTROL.stop, STOP.conclude, STOP.none) === STOP.conclude;
}

/** Whether further epochs would be for nothing. */
function isSettled({ state }: TrainingRun, { training }: TrainRequest): boolean {
  return isExhausted(state.tracked, training) || (state.perceptron !== null && state.perceptron.outcome !== 'learning');
}

/** Updates and, if there are rows for it, validation. */
function runEpoch(run: TrainingRun, { split }: TrainRequest): PartResult {
  const trained = run.trainEpoch();
  if (trained.end !== 'done' || split.validation.length === 0) return trained;
  const validated = run.evaluate(split.validation);
  return validated.end === 'done' ? { end: 'done', ...joined(trained, 'val_', validated) } : validated;
}

function reportEpoch(
  run: TrainingRun,
  { diagnostics }: TrainRequest,
  { results, seconds }: { readonly results: Results; readonly seconds: number },
): EpochReport {
  const { epoch, step, tracked } = run.state;
  return {
    epoch,
    step,
    metrics: results.metrics,
    ...(Object.keys(results.matrices).length > 0 && { matrices: results.matrices }),
    learning_rate: run.latestRate,
    seconds,
    best: tracked.best!,
    ...(diagnostics && { layers: run.diagnose() }),
    state() {
      if (run.state.epoch !== epoch) throw new Error(`The state after epoch ${epoch} is gone: training went on`);
      return run.encodeState();
    },
  };
}

/** The weights to keep and what they are worth, measured with them. */
function finish(run: TrainingRun, request: TrainRequest, stop_reason: TrainerStopReason, latest: Metrics): TrainResult {
  const { split, control, training } = request;
  if (stop_reason === 'concluded' || training.early_stopping?.restore_best) run.restoreBest();
  let results: Results = { metrics: {}, matrices: {} };
  for (const [prefix, rows] of [
    ['', split.train],
    ['val_', split.validation],
    ['test_', split.test],
  ] as const) {
    if (rows.length === 0) continue;
    let evaluated = run.evaluate(rows);
    // A request to conclude what is being concluded already.
    while (evaluated.end === 'stopped' && takeConclude(control)) evaluated = run.evaluate(rows);
    if (evaluated.end !== 'done') return brokenOff(run, evaluated, latest);
    results = joined(results, prefix, evaluated);
  }
  const { metrics, matrices } = results;
  const converged = stop_reason !== 'not_separable';
  return { ...keptOf(run), stop_reason, converged, metrics, matrices };
}

function endOf({ state }: TrainingRun, { training }: TrainRequest): TrainerStopReason {
  const { perceptron, epoch } = state;
  if (perceptron?.outcome === 'separated') return 'completed';
  if (perceptron && (perceptron.outcome === 'cycle' || epoch >= training.epochs)) return 'not_separable';
  return epoch < training.epochs ? 'early_stopping' : 'completed';
}

function brokenOff(run: TrainingRun, result: Exclude<PartResult, { end: 'done' }>, latest: Metrics): TrainResult {
  const shared = { converged: false, metrics: latest, matrices: {} };
  if (result.end === 'stopped') return { ...keptOf(run), ...shared, stop_reason: 'abandoned' };
  const divergence = result.explain();
  return { ...keptOf(run), ...shared, stop_reason: 'divergence', divergence };
}

function keptOf(run: TrainingRun) {
  const { tracked, learningRate } = run.state;
  return { backend: run.backend, best: tracked.best, learning_rate: learningRate, weights: run.takeWeights() };
}

function joined(results: Results, prefix: string, added: Results): Results {
  return {
    metrics: { ...results.metrics, ...prefixed(prefix, added.metrics) },
    matrices: { ...results.matrices, ...prefixed(prefix, added.matrices) },
  };
}

function prefixed<T>(prefix: string, named: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(named).map(([name, value]) => [prefix + name, value]));
}
