import { CONTROL } from '../backends/backend.ts';
import { lrRangeTest } from '../schedules/lr-range-test.ts';
import { epochOrder } from './epoch-order.ts';
import { totalLoss } from './results.ts';
import { type Compiled, runPart } from './run-part.ts';

export interface LearningRateRange {
  readonly min_learning_rate: number;
  readonly max_learning_rate: number;
  /** Updates of the sweep. */
  readonly iterations: number;
}

/** The range of a test that nobody set: that of the schedule, in a hundred updates. */
export const DEFAULT_RANGE: LearningRateRange = { min_learning_rate: 1e-5, max_learning_rate: 10, iterations: 100 };

export interface RangePoint {
  readonly step: number;
  readonly learning_rate: number;
  /** Before the update. Not finite in the last point of a sweep that ended there. */
  readonly loss: number;
  /** Exponential mean of the losses, corrected for its start. */
  readonly smoothed_loss: number;
}

export interface RangeTestResult {
  readonly points: readonly RangePoint[];
  /** A tenth of the rate at which the smoothed loss turns up; null when it never really fell. */
  readonly suggested_learning_rate: number | null;
  readonly stop_reason: 'completed' | 'diverged' | 'stopped';
}

const SMOOTHING = 0.9;
/** The loss turns up late, for a mean lags behind, and a sweep passes a rate in one step that a training stays at. */
const MARGIN = 10;
/** Share of the first loss by which it has to fall: less is chance, for every update has other rows. */
const FALL_MIN = 0.01;
/** A loss this much above the lowest one only grows from here on. */
const DIVERGED = 4;

/**
 * Trains the weights that are in the arena while the rate rises from step to step by equal factors (Smith 2017, section 3.3).
 * The arena is left as the last step left it.
 */
export function sweepLearningRates(compiled: Compiled, range: LearningRateRange, onStep: () => void = () => {}): RangeTestResult {
  const { request, plan, arena } = compiled;
  const { batchSize } = plan.training;
  const batches = Math.ceil(request.split.train.length / batchSize);
  // Steps of a sweep are not those of the job.
  const apart = { ...compiled, request: { ...request, control: new Int32Array(CONTROL.words) } };
  const points: RangePoint[] = [];
  let lowest: RangePoint | null = null;
  const ended = (stop_reason: RangeTestResult['stop_reason']): RangeTestResult => {
    return { points, suggested_learning_rate: suggest(points[0], lowest), stop_reason };
  };
  let order = request.split.train;
  let mean = 0;
  for (let step = 0; step < range.iterations; step += 1) {
    if (Atomics.load(request.control, CONTROL.stop) !== 0) return ended('stopped');
    if (step % batches === 0) order = epochOrder(request, step / batches);
    const learning_rate = lrRangeTest.rateAt(range, { learningRate: 0, totalSteps: range.iterations }, step);
    const from = (step % batches) * batchSize;
    const batch = { order: order.subarray(from, from + batchSize), firstStep: step, learningRates: Float64Array.of(learning_rate) };
    const { end } = runPart(apart, { side: 'training', ...batch });
    const loss = totalLoss(plan, arena);
    mean = SMOOTHING * mean + (1 - SMOOTHING) * loss;
    const point: RangePoint = { step, learning_rate, loss, smoothed_loss: mean / (1 - SMOOTHING ** (step + 1)) };
    points.push(point);
    if (lowest === null || point.smoothed_loss < lowest.smoothed_loss) lowest = point;
    onStep();
    if (end === 'divergence' || hasDiverged(point, lowest)) return ended('diverged');
  }
  return ended('completed');
}

function hasDiverged(point: RangePoint, lowest: RangePoint): boolean {
  return lowest.smoothed_loss > 0 && point.smoothed_loss > DIVERGED * lowest.smoothed_loss;
}

function suggest(first: RangePoint | undefined, lowest: RangePoint | null): number | null {
  if (!first || !lowest) return null;
  const fall = first.smoothed_loss - lowest.smoothed_loss;
  return fall > FALL_MIN * Math.abs(first.smoothed_loss) ? lowest.learning_rate / MARGIN : null;
}
