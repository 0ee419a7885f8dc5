import { lossOp } from './loss-op.ts';

export const meanSquaredError = lossOp({
  name: 'mean_squared_error',
  input: 'prediction',
  target: 'same',
  formula: 'loss[i] = sum over j of (p[i,j] - y[i,j])^2 / n',
  gradFormula: 'dp[i,j] = 2 (p[i,j] - y[i,j]) / (n m)',
  flopsPerElement: 3,
  run([p, y, loss], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      let sum = 0;
      for (let j = i * n!; j < (i + 1) * n!; j += 1) sum += (p![j]! - y![j]!) ** 2;
      loss![i] = sum / n!;
    }
  },
  runGrad([p, y, dp], [m, n]) {
    for (let j = 0; j < m! * n!; j += 1) dp![j] = (2 * (p![j]! - y![j]!)) / (m! * n!);
  },
});
