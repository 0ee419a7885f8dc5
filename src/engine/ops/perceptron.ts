import { lossOp } from './loss-op.ts';

/**
 * Rosenblatt 1958: a unit that answers wrongly is moved by its input. Written as a loss, with the step function fused in, the
 * gradient is the error itself; plain descent over single rows is then the rule `W += lr x^T (y - p)`.
 */
export const perceptron = lossOp({
  name: 'perceptron',
  source: 'https://doi.org/10.1037/h0042519',
  input: 'logits',
  target: 'same',
  formula: 'p = z >= 0 ? 1 : 0; loss[i] = 1 if any p[i,j] differs from y[i,j], else 0',
  gradFormula: 'dz = (p - y) / m',
  flopsPerElement: 2,
  run([z, y, loss, p], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      let wrong = 0;
      for (let j = i * n!; j < (i + 1) * n!; j += 1) {
        // NaN stays NaN, so that the guard sees it.
        p![j] = Number.isNaN(z![j]!) ? Number.NaN : Number(z![j]! >= 0);
        if (p![j] !== y![j]!) wrong = Number.isNaN(p![j]!) ? Number.NaN : Math.max(wrong, 1);
      }
      loss![i] = wrong;
    }
  },
  runGrad([p, y, dz], [m, n]) {
    for (let j = 0; j < m! * n!; j += 1) dz![j] = (p![j]! - y![j]!) / m!;
  },
});
