import { EPSILON } from './binary-cross-entropy.ts';
import { lossOp } from './loss-op.ts';

/** Kullback and Leibler 1951. Probabilities are clipped to [EPSILON, 1]; the gradient is zero where the clip is active. */
export const klDivergence = lossOp({
  name: 'kl_divergence',
  source: 'https://doi.org/10.1214/aoms/1177729694',
  input: 'prediction',
  target: 'same',
  formula: 'loss[i] = sum over j of t log(t / q), t = clamp(y, 1e-7, 1), q = clamp(p, 1e-7, 1)',
  gradFormula: 'dp = -t / (p m), 0 where p < 1e-7 or p > 1',
  flopsPerElement: 5,
  run([p, y, loss], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      let sum = 0;
      for (let j = i * n!; j < (i + 1) * n!; j += 1) {
        const t = clamp(y![j]!);
        sum += t * Math.log(t / clamp(p![j]!));
      }
      loss![i] = sum;
    }
  },
  runGrad([p, y, dp], [m, n]) {
    for (let j = 0; j < m! * n!; j += 1) {
      const q = p![j]!;
      dp![j] = q < EPSILON || q > 1 ? 0 : -clamp(y![j]!) / (q * m!);
    }
  },
});

function clamp(q: number): number {
  return Math.min(Math.max(q, EPSILON), 1);
}
