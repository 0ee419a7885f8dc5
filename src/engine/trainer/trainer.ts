import { CONTROL, STOP } from '../backends/backend.ts';
import { isExhausted } from './epoch-tracker.ts';
import type { EpochReport, Metrics, TrainerStopReason, TrainRequest, TrainResult } from './training.ts';
import type { PartResult, TrainingRun } from './training-run.ts';
import { createTrainingRun } from './training-run.ts';
import { readWeights } from './weights-memory.ts';

/**
 * Trains a checked spec and yields after every epoch. Resumed from a report's state, it goes on exactly as if it had never
 * stopped: the same weights and the same metrics, bit by bit.
 */
export function* train(request: TrainRequest): Generator<EpochReport, TrainResult, void> {
  const run = createTrainingRun(request);
  const { training, control, now } = request;
  let latest: Metrics = {};
  while (run.epoch < training.epochs && !isExhausted(run.tracked, training)) {
    const startedAt = now();
    const result = runEpoch(run, request);
    if (result.end === 'stopped' && takeConclude(control)) return finish(run, request, 'concluded', latest);
    if (result.end !== 'done') return brokenOff(run, result, latest);
    latest = result.metrics;
    run.finishEpoch(latest);
    yield reportEpoch(run, request, latest, (now() - startedAt) / 1000);
  }
  return finish(run, request, run.epoch < training.epochs ? 'early_stopping' : 'completed', latest);
}

/** Whether the stop was a request to conclude. It is taken: the backend can run again, to evaluate. */
function takeConclude(control: Int32Array): boolean {
  return Atomics.compareExchange(control, CONTROL.stop, STOP.conclude, STOP.none) === STOP.conclude;
}

/** Updates and, if there are rows for it, validation. */
function runEpoch(run: TrainingRun, { split }: TrainRequest): PartResult {
  const trained = run.trainEpoch();
  if (trained.end !== 'done' || split.validation.length === 0) return trained;
  const validated = run.evaluate(split.validation);
  if (validated.end !== 'done') return validated;
  return { end: 'done', metrics: { ...trained.metrics, ...prefixed('val_', validated.metrics) } };
}

function reportEpoch(run: TrainingRun, { training }: TrainRequest, metrics: Metrics, seconds: number): EpochReport {
  const { epoch, step, tracked } = run;
  return {
    epoch,
    step,
    metrics,
    learning_rate: training.optimizer.learning_rate,
    seconds,
    best: tracked.best!,
    state() {
      if (run.epoch !== epoch) throw new Error(`The state after epoch ${epoch} is gone: training went on`);
      return run.encodeState();
    },
  };
}

/** The weights to keep and what they are worth, measured with them. */
function finish(run: TrainingRun, request: TrainRequest, stop_reason: TrainerStopReason, latest: Metrics): TrainResult {
  const { split, control } = request;
  run.restoreBest();
  let metrics: Metrics = {};
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
    metrics = { ...metrics, ...prefixed(prefix, evaluated.metrics) };
  }
  return { ...keptOf(run), stop_reason, metrics };
}

function brokenOff(run: TrainingRun, result: Exclude<PartResult, { end: 'done' }>, latest: Metrics): TrainResult {
  const shared = { ...keptOf(run), metrics: latest };
  if (result.end === 'stopped') return { ...shared, stop_reason: 'abandoned' };
  return { ...shared, stop_reason: 'divergence', divergence: { step: result.step, detail: result.detail } };
}

function keptOf(run: TrainingRun) {
  return { backend: run.backend, best: run.tracked.best, weights: readWeights(run.memory) };
}

function prefixed(prefix: string, metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [prefix + name, value]));
}
