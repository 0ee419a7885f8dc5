import type { Numbers } from '../backends/kernel.ts';
import { lossOp } from './loss-op.ts';

/** A vector shorter than this has no direction: its cosine is taken with this length, and no gradient flows. */
const SHORTEST = 1e-12;

export const cosineSimilarity = lossOp({
  name: 'cosine_similarity',
  input: 'prediction',
  target: 'same',
  formula: 'loss[i] = -c, c = sum over j of y[i,j] p[i,j] / (|y[i]| |p[i]|), norms at least 1e-12',
  gradFormula: 'dp[i,j] = (c p[i,j] / |p[i]| - y[i,j] / |y[i]|) / (|p[i]| m), 0 where |p[i]| < 1e-12',
  flopsPerElement: 8,
  run([p, y, loss], [m, n]) {
    for (let i = 0; i < m!; i += 1) loss![i] = -compare(p!, y!, i * n!, n!).cosine;
  },
  runGrad([p, y, dp], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      const { cosine, lengthP, lengthY } = compare(p!, y!, i * n!, n!);
      for (let j = i * n!; j < (i + 1) * n!; j += 1) {
        dp![j] = lengthP <= SHORTEST ? 0 : ((cosine * p![j]!) / lengthP - y![j]! / lengthY) / (lengthP * m!);
      }
    }
  },
});

function compare(p: Numbers, y: Numbers, start: number, n: number) {
  let dot = 0;
  let squaresP = 0;
  let squaresY = 0;
  for (let j = start; j < start + n; j += 1) {
    dot += p[j]! * y[j]!;
    squaresP += p[j]! ** 2;
    squaresY += y[j]! ** 2;
  }
  const lengthP = Math.max(Math.sqrt(squaresP), SHORTEST);
  const lengthY = Math.max(Math.sqrt(squaresY), SHORTEST);
  return { cosine: dot / (lengthP * lengthY), lengthP, lengthY };
}
