import type { KernelDefinition } from './op.ts';

const X = 'x (m, c)';
const DY = 'dy (m, c)';
const STATISTICS = ['mean (c)', 'variance (c)'];
const SCALARS = ['epsilon'];
const DIMS = ['m', 'c'];

/** Kernels of normalisation over columns. `inverse[j] = 1 / sqrt(variance[j] + epsilon)`, `z = (x - mean) inverse`. */
export const NORMALIZATION_KERNELS: readonly KernelDefinition[] = [
  {
    name: 'batch_statistics',
    buffers: [X, 'out: mean (c)', 'out: variance (c)'],
    dims: DIMS,
    scalars: [],
    formula: 'mean[j] = sum over i of x[i,j] / m; variance[j] = sum over i of (x[i,j] - mean[j])^2 / m, with float64 sums',
    run([x, mean, variance], [m, c]) {
      for (let j = 0; j < c!; j += 1) {
        let sum = 0;
        for (let i = 0; i < m!; i += 1) sum += x![i * c! + j]!;
        const centre = sum / m!;
        let squares = 0;
        for (let i = 0; i < m!; i += 1) squares += (x![i * c! + j]! - centre) ** 2;
        mean![j] = centre;
        variance![j] = squares / m!;
      }
    },
  },
  {
    name: 'normalize',
    buffers: [X, ...STATISTICS, 'gamma (c) or absent', 'beta (c) or absent', 'out: y (m, c)'],
    dims: DIMS,
    scalars: SCALARS,
    formula: 'y[i,j] = gamma[j] (x[i,j] - mean[j]) / sqrt(variance[j] + epsilon) + beta[j]; gamma is 1 and beta 0 when absent',
    run([x, mean, variance, gamma, beta, y], [m, c], [epsilon]) {
      for (let j = 0; j < c!; j += 1) {
        const factor = (gamma ? gamma[j]! : 1) / Math.sqrt(variance![j]! + epsilon!);
        for (let i = 0; i < m!; i += 1) y![i * c! + j] = (x![i * c! + j]! - mean![j]!) * factor + (beta ? beta[j]! : 0);
      }
    },
  },
  {
    name: 'normalize_grad_affine',
    buffers: [X, DY, ...STATISTICS, 'out: dgamma (c)', 'out: dbeta (c)'],
    dims: DIMS,
    scalars: SCALARS,
    formula:
      'dgamma[j] = sum over i of dy[i,j] z[i,j]; dbeta[j] = sum over i of dy[i,j]; z = (x - mean) / sqrt(variance + epsilon); float64 sums',
    run([x, dy, mean, variance, dGamma, dBeta], [m, c], [epsilon]) {
      for (let j = 0; j < c!; j += 1) {
        let products = 0;
        let sum = 0;
        for (let i = 0; i < m!; i += 1) {
          products += dy![i * c! + j]! * (x![i * c! + j]! - mean![j]!);
          sum += dy![i * c! + j]!;
        }
        dGamma![j] = products / Math.sqrt(variance![j]! + epsilon!);
        dBeta![j] = sum;
      }
    },
  },
  {
    name: 'batch_normalization_grad_input',
    buffers: [X, DY, ...STATISTICS, 'gamma (c) or absent', 'dgamma (c)', 'dbeta (c)', 'out: dx (m, c), may be dy'],
    dims: DIMS,
    scalars: SCALARS,
    formula:
      'dx[i,j] = gamma[j] / sqrt(variance[j] + epsilon) (dy[i,j] - dbeta[j] / m - z[i,j] dgamma[j] / m), z = (x - mean) / sqrt(variance + epsilon)',
    run([x, dy, mean, variance, gamma, dGamma, dBeta, dx], [m, c], [epsilon]) {
      for (let j = 0; j < c!; j += 1) {
        const inverse = 1 / Math.sqrt(variance![j]! + epsilon!);
        const factor = (gamma ? gamma[j]! : 1) * inverse;
        for (let i = 0; i < m!; i += 1) {
          const z = (x![i * c! + j]! - mean![j]!) * inverse;
          dx![i * c! + j] = factor * (dy![i * c! + j]! - (dBeta![j]! + z * dGamma![j]!) / m!);
        }
      }
    },
  },
  {
    name: 'normalize_grad_input',
    buffers: [DY, 'variance (c)', 'gamma (c) or absent', 'out: dx (m, c), may be dy'],
    dims: DIMS,
    scalars: SCALARS,
    formula: 'dx[i,j] = dy[i,j] gamma[j] / sqrt(variance[j] + epsilon)',
    run([dy, variance, gamma, dx], [m, c], [epsilon]) {
      for (let j = 0; j < c!; j += 1) {
        const factor = (gamma ? gamma[j]! : 1) / Math.sqrt(variance![j]! + epsilon!);
        for (let i = 0; i < m!; i += 1) dx![i * c! + j] = dy![i * c! + j]! * factor;
      }
    },
  },
  {
    name: 'moving_average',
    buffers: ['in/out: moving (n)', 'x (n)'],
    dims: ['n'],
    scalars: ['momentum'],
    formula: 'moving[i] = momentum moving[i] + (1 - momentum) x[i]',
    run([moving, x], [n], [momentum]) {
      for (let i = 0; i < n!; i += 1) moving![i] = momentum! * moving![i]! + (1 - momentum!) * x![i]!;
    },
  },
];
