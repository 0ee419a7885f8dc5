import { viewOf } from '../backends/reference.ts';
import type { Matrix, TargetUnits } from '../metrics/metric.ts';
import type { TrainingPlan } from '../plan/training-plan.ts';
import { sizeOf } from '../shape.ts';
import type { Feed } from './feeds.ts';
import type { Matrices, Metrics } from './training.ts';

/** Metrics of a part, without a prefix. */
export interface Results {
  readonly metrics: Metrics;
  readonly matrices: Matrices;
}

/** The loss that is trained on, from the accumulators: weighted losses of all outputs and the penalties of weights. */
export function totalLoss({ metrics, penalties }: TrainingPlan, arena: ArrayBuffer): number {
  const losses = metrics.filter(({ metric }) => metric.type === 'loss').map(({ accumulator, weight }) => ({ accumulator, weight }));
  return [...losses, ...penalties.map((accumulator) => ({ accumulator, weight: 1 }))].reduce((total, { accumulator, weight }) => {
    const [sum, count] = new Float64Array(arena, accumulator.byteOffset, 2);
    return total + (weight * sum!) / count!;
  }, 0);
}

/** Reads the results of a part that has run; `gather` holds what collected metrics need. */
export function readResults(plan: TrainingPlan, arena: ArrayBuffer, units: TargetUnits, gathered: GatheredRows | null): Results {
  const several = plan.predictions.training.length > 1;
  const nameOf = (type: string, outputName: string) => (several ? `${outputName}_${type}` : type);
  const numbers: [string, number][] = [['loss', totalLoss(plan, arena)]];
  const matrices: [string, Matrix][] = [];
  for (const { metric, options, outputName, accumulator } of plan.metrics) {
    if (metric.type === 'loss' && !several) continue;
    const result = metric.result(new Float64Array(arena, accumulator.byteOffset, accumulator.length), units, options);
    if (typeof result === 'number') numbers.push([nameOf(metric.type, outputName), result]);
    else matrices.push([nameOf(metric.type, outputName), result]);
  }
  for (const { metric, options, output, outputName } of plan.collected) {
    numbers.push([nameOf(metric.type, outputName), metric.evaluate(gathered!.of(output), units, options)]);
  }
  return { metrics: Object.fromEntries(numbers), matrices: Object.fromEntries(matrices) };
}

/** Predictions and targets of all rows of a part, in the order they ran. */
export interface GatheredRows {
  /** Copies the predictions of the batch that has just run. */
  take(from: number, rows: number): void;
  of(output: number): { readonly predictions: Float32Array; readonly targets: Feed; readonly width: number };
}

/** Room for the predictions of `order`; null when no metric needs them. */
export function gatherRows(
  plan: TrainingPlan,
  side: 'training' | 'evaluation',
  { arena, feeds, order }: { readonly arena: ArrayBuffer; readonly feeds: readonly Feed[]; readonly order: Int32Array },
): GatheredRows | null {
  if (plan.collected.length === 0) return null;
  const rows = new Map(
    plan.collected.map(({ output }) => {
      const batch = viewOf(plan.predictions[side][output]!, arena);
      const { shape } = plan.step.side.outputs[output]!.built.prediction;
      const size = sizeOf(shape);
      return [output, { batch, size, width: shape.at(-1) ?? 1, all: new Float32Array(order.length * size) }];
    }),
  );
  return {
    take(from, count) {
      for (const { batch, size, all } of rows.values()) all.set(batch.subarray(0, count * size), from * size);
    },
    of(output) {
      const { all, width } = rows.get(output)!;
      return { predictions: all, targets: targetsInOrder(feeds[plan.inputs.length + output]!, plan, output, order), width };
    },
  };
}

function targetsInOrder(feed: Feed, plan: TrainingPlan, output: number, order: Int32Array): Feed {
  const width = sizeOf(plan.step.side.outputs[output]!.evaluated.target.shape);
  const targets = feed instanceof Int32Array ? new Int32Array(order.length * width) : new Float32Array(order.length * width);
  order.forEach((row, i) => {
    targets.set(feed.subarray(row * width, (row + 1) * width), i * width);
  });
  return targets;
}
