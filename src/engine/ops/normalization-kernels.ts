import type { Numbers } from '../backends/kernel.ts';
import { activatedKernel } from './activated-kernel.ts';
import type { KernelDefinition } from './op.ts';

const X = 'x (m, c)';
const DY = 'dy (m, c)';
const STATISTICS = ['mean (c)', 'variance (c)'];
const MASK = 'mask (m) or absent';
const SCALARS = ['epsilon'];
const DIMS = ['m', 'c'];

const NORMALIZE: KernelDefinition = {
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
};

/** Kernels of normalisation over columns. `inverse[j] = 1 / sqrt(variance[j] + epsilon)`, `z = (x - mean) inverse`. */
export const NORMALIZATION_KERNELS: readonly KernelDefinition[] = [
  {
    name: 'batch_statistics',
    buffers: [X, MASK, 'out: mean (c)', 'out: variance (c)'],
    dims: DIMS,
    scalars: [],
    formula:
      'mean[j] = sum over i of x[i,j] / n; variance[j] = sum over i of (x[i,j] - mean[j])^2 / n, with float64 sums over the n rows whose mask is not 0; both 0 where there is none',
    run([x, mask, mean, variance], [m, c]) {
      const rows = rowsThatCount(mask, m!);
      const n = Math.max(rows.length, 1);
      for (let j = 0; j < c!; j += 1) {
        let sum = 0;
        for (const i of rows) sum += x![i * c! + j]!;
        const centre = sum / n;
        let squares = 0;
        for (const i of rows) squares += (x![i * c! + j]! - centre) ** 2;
        mean![j] = centre;
        variance![j] = squares / n;
      }
    },
  },
  NORMALIZE,
  activatedKernel(NORMALIZE),
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
    buffers: [X, DY, ...STATISTICS, 'gamma (c) or absent', 'dgamma (c)', 'dbeta (c)', MASK, 'out: dx (m, c), may be dy'],
    dims: DIMS,
    scalars: SCALARS,
    formula:
      'dx[i,j] = gamma[j] / sqrt(variance[j] + epsilon) (dy[i,j] - (dbeta[j] + z[i,j] dgamma[j]) / n), z = (x - mean) / sqrt(variance + epsilon), for the n rows whose mask is not 0; dx[i,j] = gamma[j] / sqrt(variance[j] + epsilon) dy[i,j] for others',
    run([x, dy, mean, variance, gamma, dGamma, dBeta, mask, dx], [m, c], [epsilon]) {
      const n = rowsThatCount(mask, m!).length;
      for (let j = 0; j < c!; j += 1) {
        const inverse = 1 / Math.sqrt(variance![j]! + epsilon!);
        const factor = (gamma ? gamma[j]! : 1) * inverse;
        for (let i = 0; i < m!; i += 1) {
          const z = (x![i * c! + j]! - mean![j]!) * inverse;
          const share = mask && mask[i] === 0 ? 0 : (dBeta![j]! + z * dGamma![j]!) / n;
          dx![i * c! + j] = factor * (dy![i * c! + j]! - share);
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

/** Rows in order, without those a mask leaves out. */
function rowsThatCount(mask: Numbers | null | undefined, m: number): number[] {
  return Array.from({ length: m }, (_, i) => i).filter((i) => mask?.[i] !== 0);
}
