import type { Numbers } from '../backends/kernel.ts';
import { EPSILON } from './binary-cross-entropy.ts';
import { lossOp } from './loss-op.ts';
import { logSumExp } from './softmax.ts';

export const categoricalCrossEntropy = lossOp({
  name: 'categorical_cross_entropy',
  input: 'prediction',
  target: 'same',
  formula: 'loss[i] = - sum over j of y[i,j] log clamp(q, 1e-7, 1 - 1e-7), q = p[i,j] / s, s = sum over l of p[i,l]',
  gradFormula: 'dp[i,j] = (g[j] - sum over l of g[l] q[l]) / (s m), g = clipped ? 0 : -y / q',
  flopsPerElement: 6,
  run([p, y, loss], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      const s = sum(p!, i * n!, n!);
      let total = 0;
      for (let j = i * n!; j < (i + 1) * n!; j += 1) total -= y![j]! * Math.log(clipped(p![j]! / s));
      loss![i] = total;
    }
  },
  runGrad([p, y, dp], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      const s = sum(p!, i * n!, n!);
      let dot = 0;
      for (let j = i * n!; j < (i + 1) * n!; j += 1) dot -= isClipped(p![j]! / s) ? 0 : y![j]!;
      for (let j = i * n!; j < (i + 1) * n!; j += 1) {
        const q = p![j]! / s;
        dp![j] = ((isClipped(q) ? 0 : -y![j]! / q) - dot) / (s * m!);
      }
    }
  },
});

export const softmaxCrossEntropy = lossOp({
  name: 'softmax_cross_entropy',
  input: 'logits',
  target: 'same',
  formula: 'loss[i] = sum over j of y[i,j] (logsumexp(z[i]) - z[i,j]), p = softmax(z)',
  gradFormula: 'dz[i,j] = (p[i,j] * sum over l of y[i,l] - y[i,j]) / m',
  flopsPerElement: 6,
  run([z, y, loss, p], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      const logSum = logSumExp(z!, i * n!, n!);
      let total = 0;
      for (let j = i * n!; j < (i + 1) * n!; j += 1) {
        total += y![j]! * (logSum - z![j]!);
        p![j] = Math.exp(z![j]! - logSum);
      }
      loss![i] = total;
    }
  },
  runGrad([p, y, dz], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      const mass = sum(y!, i * n!, n!);
      for (let j = i * n!; j < (i + 1) * n!; j += 1) dz![j] = (p![j]! * mass - y![j]!) / m!;
    }
  },
});

export const sparseCategoricalCrossEntropy = lossOp({
  name: 'sparse_categorical_cross_entropy',
  input: 'prediction',
  target: 'classes',
  formula: 'loss[i] = - log clamp(q[y[i]], 1e-7, 1 - 1e-7), q = p[i,j] / s, s = sum over l of p[i,l]',
  gradFormula: 'dp[i,j] = (1 - [j = y[i]] / q[y[i]]) / (s m), 0 where q[y[i]] is clipped',
  flopsPerElement: 2,
  run([p, classes, loss], [m, n]) {
    for (let i = 0; i < m!; i += 1) loss![i] = -Math.log(clipped(p![i * n! + classes![i]!]! / sum(p!, i * n!, n!)));
  },
  runGrad([p, classes, dp], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      const s = sum(p!, i * n!, n!);
      const q = p![i * n! + classes![i]!]! / s;
      const scale = isClipped(q) ? 0 : 1 / (s * m!);
      for (let j = 0; j < n!; j += 1) dp![i * n! + j] = scale * (1 - (j === classes![i]! ? 1 / q : 0));
    }
  },
});

export const sparseSoftmaxCrossEntropy = lossOp({
  name: 'sparse_softmax_cross_entropy',
  input: 'logits',
  target: 'classes',
  formula: 'loss[i] = logsumexp(z[i]) - z[i,y[i]], p = softmax(z)',
  gradFormula: 'dz[i,j] = (p[i,j] - [j = y[i]]) / m',
  flopsPerElement: 5,
  run([z, classes, loss, p], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      const logSum = logSumExp(z!, i * n!, n!);
      for (let j = i * n!; j < (i + 1) * n!; j += 1) p![j] = Math.exp(z![j]! - logSum);
      loss![i] = logSum - z![i * n! + classes![i]!]!;
    }
  },
  runGrad([p, classes, dz], [m, n]) {
    for (let i = 0; i < m!; i += 1) {
      for (let j = 0; j < n!; j += 1) dz![i * n! + j] = (p![i * n! + j]! - (j === classes![i]! ? 1 : 0)) / m!;
    }
  },
});

function sum(values: Numbers, start: number, n: number): number {
  let total = 0;
  for (let j = start; j < start + n; j += 1) total += values[j]!;
  return total;
}

function clipped(q: number): number {
  return Math.min(Math.max(q, EPSILON), 1 - EPSILON);
}

function isClipped(q: number): boolean {
  return q < EPSILON || q > 1 - EPSILON;
}
