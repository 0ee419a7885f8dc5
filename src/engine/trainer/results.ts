import { viewOf } from '../backends/reference.ts';
import type { Matrix, TargetUnits } from '../metrics/metric.ts';
import type { TrainingPlan } from '../plan/training-plan.ts';
import { sizeOf } from '../shape.ts';
import type { Feed, PlacedRows } from './feeds.ts';
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

/** Reads the results of a part that has run. `units`: of the targets, by output; `gathered` holds what collected metrics need. */
export function readResults(plan: TrainingPlan, arena: ArrayBuffer, units: readonly TargetUnits[], gathered: GatheredRows | null): Results {
  const several = plan.predictions.training.length > 1;
  const nameOf = (type: string, outputName: string) => (several ? `${outputName}_${type}` : type);
  const numbers: [string, number][] = [['loss', totalLoss(plan, arena)]];
  const matrices: [string, Matrix][] = [];
  const unitsOf = (output: number): TargetUnits => units[output] ?? {};
  for (const { metric, options, output, outputName, accumulator } of plan.metrics) {
    if (metric.type === 'loss' && !several) continue;
    const result = metric.result(new Float64Array(arena, accumulator.byteOffset, accumulator.length), unitsOf(output), options);
    if (typeof result === 'number') numbers.push([nameOf(metric.type, outputName), result]);
    else matrices.push([nameOf(metric.type, outputName), result]);
  }
  for (const { metric, options, output, outputName } of plan.collected) {
    numbers.push([nameOf(metric.type, outputName), metric.evaluate(gathered!.of(output), unitsOf(output), options)]);
  }
  return { metrics: Object.fromEntries(numbers), matrices: Object.fromEntries(matrices) };
}

/** Predictions and targets of all rows of a part, in the order they ran. */
export interface GatheredRows {
  /** Copies predictions and targets of the batch that has just run, from position `at` of the part on. */
  take(at: number, batch: PlacedRows): void;
  of(output: number): { readonly predictions: Float32Array; readonly targets: Feed; readonly width: number };
}

/** Room for the predictions and targets of so many rows; null when no metric needs them. */
export function gatherRows(
  plan: TrainingPlan,
  side: 'training' | 'evaluation',
  { arena, rows }: { readonly arena: ArrayBuffer; readonly rows: number },
): GatheredRows | null {
  if (plan.collected.length === 0) return null;
  const rooms = new Map(plan.collected.map(({ output }) => [output, roomFor(plan, output, rows)]));
  return {
    take(at, { feeds, order }) {
      for (const [output, { predictions, size, targets, targetSize }] of rooms) {
        const batch = viewOf(plan.predictions[side][output]!, arena);
        predictions.set(batch.subarray(0, order.length * size), at * size);
        const feed = feeds[plan.inputs.length + output]!;
        order.forEach((row, i) => {
          targets.set(feed.subarray(row * targetSize, (row + 1) * targetSize), (at + i) * targetSize);
        });
      }
    },
    of: (output) => rooms.get(output)!,
  };
}

function roomFor(plan: TrainingPlan, output: number, rows: number) {
  const { built, evaluated } = plan.step.side.outputs[output]!;
  const { shape } = built.prediction;
  const [size, targetSize] = [sizeOf(shape), sizeOf(evaluated.target.shape)];
  const targets = evaluated.target.type === 'int32' ? new Int32Array(rows * targetSize) : new Float32Array(rows * targetSize);
  return { predictions: new Float32Array(rows * size), size, width: shape.at(-1) ?? 1, targets, targetSize };
}
