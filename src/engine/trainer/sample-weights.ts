import { isWeighted } from './job-plan.ts';
import type { EncodedRows, TrainingOptions } from './training.ts';

/** Rows whose losses are to be weighed. */
interface WeighedRows extends Pick<EncodedRows, 'targets' | 'sampleWeights'> {
  readonly rows: number;
  readonly labels?: readonly string[];
}

/** Weights of one row: one, or one per time step. */
export function weightsPerRow(training: TrainingOptions, { rows, targets, sampleWeights }: WeighedRows): number {
  if (!isWeighted(training)) return 1;
  if (training.sample_weight_column && !sampleWeights) throw new Error('The weights of the samples are missing');
  return (training.class_weight ? targets : sampleWeights!).length / rows;
}

/** Factor of each row's loss, or of each time step's: sample weight times class weight. Null when all count the same. */
export function weightsFeed(training: TrainingOptions, { targets, sampleWeights, rows, labels }: WeighedRows): Float32Array | null {
  if (!isWeighted(training)) return null;
  const { class_weight } = training;
  if (!class_weight) return sampleWeights!;
  if (!(targets instanceof Int32Array)) throw new Error('Class weights need a class target');
  const ofClass = classWeights(class_weight, targets, labels);
  const perRow = sampleWeights ? sampleWeights.length / rows : 1;
  return Float32Array.from(targets, (target, i) => {
    const row = Math.floor((i * rows) / targets.length);
    const sample = perRow === 1 ? row : i;
    return (ofClass[target] ?? 1) * (sampleWeights?.[sample] ?? 1);
  });
}

/** Weights by class index. */
function classWeights(weights: Readonly<Record<string, number>>, targets: Int32Array, labels: readonly string[] | undefined): number[] {
  const largest = targets.reduce((max, target) => Math.max(max, target), 0);
  return Array.from({ length: largest + 1 }, (_, c) => weights[labels?.[c] ?? String(c)] ?? 1);
}
