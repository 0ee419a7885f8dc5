import { CONTROL } from '../backends/backend.ts';
import { permutation, STREAMS, seedWords } from '../random.ts';
import { lrRangeTest } from '../schedules/lr-range-test.ts';
import { totalLoss } from './results.ts';
import type { TrainRequest } from './training.ts';
import { compile } from './training-run.ts';
import { initializeWeights } from './weights-memory.ts';

export interface LearningRateRange {
  readonly min_learning_rate: number;
  readonly max_learning_rate: number;
  /** Updates of the sweep. */
  readonly iterations: number;
}

export interface RangePoint {
  readonly step: number;
  readonly learning_rate: number;
  readonly loss: number;
  /** Exponential mean of the losses, corrected for its start. */
  readonly smoothed_loss: number;
}

export interface RangeTestResult {
  readonly points: readonly RangePoint[];
  /** Half the rate at which the smoothed loss turns up; null when it never fell. */
  readonly suggested_learning_rate: number | null;
  readonly stop_reason: 'completed' | 'diverged' | 'stopped';
}

const SMOOTHING = 0.9;
/** A loss this much above the lowest one only grows from here on. */
const DIVERGED = 4;

/**
 * Trains new weights while the rate rises from step to step by equal factors (Smith 2017, section 3.3), and suggests half the
 * rate at which the smoothed loss is lowest. Nothing of it is kept but the curve.
 */
export function testLearningRates(request: TrainRequest, range: LearningRateRange): RangeTestResult {
  const { training, split, control } = request;
  const { plan, arena, rows, sessions } = compile(request);
  initializeWeights({ weights: plan.weights, layout: plan.layout, arena }, training.seed);
  const sums = new Uint8Array(arena, plan.accumulators.byteOffset, plan.accumulators.bytes);
  const { batchSize } = plan.training;
  const batches = Math.ceil(split.train.length / batchSize);
  const points: RangePoint[] = [];
  const ended = (stop_reason: RangeTestResult['stop_reason']) => ({ points, suggested_learning_rate: suggest(points), stop_reason });
  let order = split.train;
  let mean = 0;
  for (let step = 0; step < range.iterations; step += 1) {
    if (step % batches === 0 && training.shuffle) {
      order = permutation(training.seed, STREAMS.shuffle, step / batches, split.train.length).map((position) => split.train[position]!);
    }
    const learning_rate = lrRangeTest.rateAt(range, { learningRate: 0, totalSteps: range.iterations }, step);
    const from = (step % batches) * batchSize;
    const batch = rows.place(order.subarray(from, from + batchSize));
    sums.fill(0);
    const { nonFinite } = sessions.training.run({
      ...batch,
      from: 0,
      to: batch.order.length,
      firstStep: step,
      learningRates: Float64Array.of(learning_rate),
      seed: seedWords(training.seed),
      control,
    });
    if (Atomics.load(control, CONTROL.stop) !== 0) return ended('stopped');
    if (nonFinite !== null) return ended('diverged');
    const loss = totalLoss(plan, arena);
    mean = SMOOTHING * mean + (1 - SMOOTHING) * loss;
    points.push({ step, learning_rate, loss, smoothed_loss: mean / (1 - SMOOTHING ** (step + 1)) });
    if (hasDiverged(points)) return ended('diverged');
  }
  return ended('completed');
}

function lowest(points: readonly RangePoint[]): RangePoint | undefined {
  return points.reduce<RangePoint | undefined>(
    (best, point) => (best && best.smoothed_loss <= point.smoothed_loss ? best : point),
    undefined,
  );
}

function hasDiverged(points: readonly RangePoint[]): boolean {
  const [best, last] = [lowest(points)!, points.at(-1)!];
  return best.smoothed_loss > 0 && last.smoothed_loss > DIVERGED * best.smoothed_loss;
}

function suggest(points: readonly RangePoint[]): number | null {
  const turn = lowest(points);
  return turn && turn.step > 0 ? turn.learning_rate / 2 : null;
}
