import { lossOp } from './loss-op.ts';

/** Probabilities are clipped to [EPSILON, 1 - EPSILON]; the gradient is zero where the clip is active. */
export const EPSILON = 1e-7;

export const binaryCrossEntropy = lossOp({
  name: 'binary_cross_entropy',
  input: 'prediction',
  target: 'same',
  formula: 'loss[i] = - sum over j of (y log q + (1 - y) log(1 - q)) / n, q = clamp(p, 1e-7, 1 - 1e-7)',
  gradFormula: 'dp = (q - y) / (q (1 - q) n m), 0 where p < 1e-7 or p > 1 - 1e-7',
  flopsPerElement: 8,
  run([p, y, loss], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      let sum = 0;
      for (let j = i * n!; j < (i + 1) * n!; j += 1) {
        const q = Math.min(Math.max(p![j]!, EPSILON), 1 - EPSILON);
        sum -= y![j]! * Math.log(q) + (1 - y![j]!) * Math.log1p(-q);
      }
      loss![i] = sum / n!;
    }
  },
  runGrad([p, y, dp], [m, n]) {
    for (let j = 0; j < m! * n!; j += 1) {
      const q = p![j]!;
      const clipped = q < EPSILON || q > 1 - EPSILON;
      dp![j] = clipped ? 0 : (q - y![j]!) / (q * (1 - q) * m! * n!);
    }
  },
});

/** Binary cross-entropy of a sigmoid, from its logits: -log sigmoid(z) = softplus(-z), so no clip is needed. */
export const sigmoidCrossEntropy = lossOp({
  name: 'sigmoid_cross_entropy',
  input: 'logits',
  target: 'same',
  formula: 'loss[i] = sum over j of (max(z, 0) - z y + log1p(exp(-|z|))) / n, p = sigmoid(z)',
  gradFormula: 'dz = (p - y) / (n m)',
  flopsPerElement: 8,
  run([z, y, loss, p], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      let sum = 0;
      for (let j = i * n!; j < (i + 1) * n!; j += 1) {
        const logit = z![j]!;
        sum += Math.max(logit, 0) - logit * y![j]! + Math.log1p(Math.exp(-Math.abs(logit)));
        p![j] = 1 / (1 + Math.exp(-logit));
      }
      loss![i] = sum / n!;
    }
  },
  runGrad([p, y, dz], [m, n]) {
    for (let j = 0; j < m! * n!; j += 1) dz![j] = (p![j]! - y![j]!) / (m! * n!);
  },
});
