import { NO_OPTIONS } from '../losses/options.ts';
import { THRESHOLD } from './accuracy.ts';
import { defineCollectedMetric } from './metric.ts';

/** Hanley and McNeil 1982: the area is the chance that a row of the class scores above one that is not. */
export const rocAuc = defineCollectedMetric({
  type: 'roc_auc',
  summary: 'Area under the ROC curve; with one score per class the mean of the areas of each class against the rest.',
  source: 'https://doi.org/10.1148/radiology.143.1.7063747',
  better: 'higher',
  targets: ['classes'],
  options: NO_OPTIONS,
  evaluate({ predictions, targets, width }) {
    const rows = predictions.length / width;
    const area = (score: number, isOf: (row: number) => boolean) => {
      const scores = Float64Array.from({ length: rows }, (_, row) => predictions[row * width + score]!);
      return areaOf(
        scores,
        Array.from({ length: rows }, (_, row) => isOf(row)),
      );
    };
    if (width === 1) return area(0, (row) => targets[row]! >= THRESHOLD);
    // A class without rows, or with all of them, has no area.
    const areas = Array.from({ length: width }, (_, c) => area(c, (row) => targets[row] === c)).filter((value) => !Number.isNaN(value));
    return areas.reduce((sum, value) => sum + value, 0) / areas.length;
  },
  kernels: [],
});

/** By the sum of ranks (Mann and Whitney 1947); equal scores share their mean rank, so they count one half. */
function areaOf(scores: Float64Array, positive: readonly boolean[]): number {
  const order = Int32Array.from(scores, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let ranks = 0;
  let positives = 0;
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to += 1;
    const among = order.subarray(from, to).reduce((count, row) => count + Number(positive[row]), 0);
    ranks += among * ((from + 1 + to) / 2);
    positives += among;
    from = to;
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (order.length - positives));
}
