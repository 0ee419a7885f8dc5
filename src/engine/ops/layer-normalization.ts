import type { Numbers } from '../backends/kernel.ts';
import type { NodeOf } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import type { KernelDefinition } from './op.ts';
import { defineOp, fixed, lastAxis, OpError, outerSize, perRow } from './op.ts';

const DIMS = ['m', 'n'];
const SCALARS = ['epsilon'];

/**
 * Layer normalisation (Ba, Kiros and Hinton 2016) over the last axis: x (m, n), gamma and beta (n) as the attributes say. Every
 * vector has its own mean and biased variance, so training and inference are alike. Backward works them out again.
 */
export const layerNormalization = defineOp({
  name: 'layer_normalization',
  source: 'https://arxiv.org/abs/1607.06450',
  outputs(application) {
    const [x, ...affine] = application.inputs;
    const { scale, center } = application.attributes;
    const isComplete = affine.length === Number(scale) + Number(center);
    if (!x || !isComplete || affine.some((weight) => sizeOf(weight.shape) !== lastAxis(x))) {
      throw new OpError('layer_normalization', application, 'x [..., n], gamma [n] and beta [n]');
    }
    return [x.shape];
  },
  forward(node) {
    const { gamma, beta } = affineOf(node);
    return [{ ...sharedOf(node), kernel: 'layer_normalization', buffers: [node.inputs[0]!, gamma, beta, node.outputs[0]!], writes: [3] }];
  },
  backward({ node, arrived: [dy], wanted }) {
    const [x] = node.inputs;
    const [dx] = wanted;
    const { scale, center } = node.attributes;
    const dGamma = scale ? wanted[1] : null;
    const dBeta = center ? wanted[scale ? 2 : 1] : null;
    const shared = sharedOf(node);
    const { gamma } = affineOf(node);
    return [
      ...(dGamma ? [{ ...shared, kernel: 'layer_normalization_grad_gamma', buffers: [x!, dy!, dGamma], writes: [2] }] : []),
      ...(dBeta ? [{ ...shared, kernel: 'dense_grad_bias', buffers: [dy!, dBeta], scalars: [], writes: [1] }] : []),
      ...(dx
        ? [{ ...shared, kernel: 'layer_normalization_grad_input', buffers: [x!, dy!, gamma, dx], writes: [3], inPlace: [1, 3] as const }]
        : []),
    ];
  },
  flops: ({ inputs: [x] }) => 8 * sizeOf(x!.shape),
  kernels: [forwardKernel(), inputKernel(), gammaKernel()],
});

function sharedOf(node: NodeOf<'layer_normalization'>) {
  const [x] = node.inputs;
  return { dims: [perRow(outerSize(x!)), fixed(lastAxis(x!))], scalars: [node.attributes.epsilon], layer: node.layer };
}

function affineOf({ inputs: [, ...affine], attributes: { scale, center } }: NodeOf<'layer_normalization'>) {
  return { gamma: (scale && affine[0]) || null, beta: (center && affine.at(-1)) || null };
}

/** Mean of the vector from `from`, and 1 / sqrt(variance + epsilon). */
function statisticsOf(x: Numbers, from: number, n: number, epsilon: number): { mean: number; inverse: number } {
  let sum = 0;
  for (let j = 0; j < n; j += 1) sum += x[from + j]!;
  const mean = sum / n;
  let squares = 0;
  for (let j = 0; j < n; j += 1) squares += (x[from + j]! - mean) ** 2;
  return { mean, inverse: 1 / Math.sqrt(squares / n + epsilon) };
}

function forwardKernel(): KernelDefinition {
  return {
    name: 'layer_normalization',
    buffers: ['x (m, n)', 'gamma (n) or absent', 'beta (n) or absent', 'out: y (m, n)'],
    dims: DIMS,
    scalars: SCALARS,
    formula:
      'y[i,j] = gamma[j] (x[i,j] - mean[i]) / sqrt(variance[i] + epsilon) + beta[j], mean and biased variance of row i in two passes; gamma is 1 and beta 0 when absent',
    run([x, gamma, beta, y], [m, n], [epsilon]) {
      for (let i = 0; i < m!; i += 1) {
        const { mean, inverse } = statisticsOf(x!, i * n!, n!, epsilon!);
        for (let j = 0; j < n!; j += 1) {
          y![i * n! + j] = (x![i * n! + j]! - mean) * inverse * (gamma ? gamma[j]! : 1) + (beta ? beta[j]! : 0);
        }
      }
    },
  };
}

function inputKernel(): KernelDefinition {
  return {
    name: 'layer_normalization_grad_input',
    buffers: ['x (m, n)', 'dy (m, n)', 'gamma (n) or absent', 'out: dx (m, n), may be dy'],
    dims: DIMS,
    scalars: SCALARS,
    formula:
      'dx[i,j] = (g[j] - mean of g - z[j] mean of g z) / sqrt(variance[i] + epsilon), g[j] = dy[i,j] gamma[j], z = (x[i] - mean[i]) / sqrt(variance[i] + epsilon)',
    run([x, dy, gamma, dx], [m, n], [epsilon]) {
      for (let i = 0; i < m!; i += 1) {
        const { mean, inverse } = statisticsOf(x!, i * n!, n!, epsilon!);
        const gradient = (j: number) => dy![i * n! + j]! * (gamma ? gamma[j]! : 1);
        const normal = (j: number) => (x![i * n! + j]! - mean) * inverse;
        let sum = 0;
        let products = 0;
        for (let j = 0; j < n!; j += 1) {
          sum += gradient(j);
          products += gradient(j) * normal(j);
        }
        for (let j = 0; j < n!; j += 1) dx![i * n! + j] = inverse * (gradient(j) - (sum + normal(j) * products) / n!);
      }
    },
  };
}

function gammaKernel(): KernelDefinition {
  return {
    name: 'layer_normalization_grad_gamma',
    buffers: ['x (m, n)', 'dy (m, n)', 'out: dgamma (n)'],
    dims: DIMS,
    scalars: SCALARS,
    formula: 'dgamma[j] = sum over i of dy[i,j] (x[i,j] - mean[i]) / sqrt(variance[i] + epsilon)',
    run([x, dy, dGamma], [m, n], [epsilon]) {
      dGamma!.fill(0);
      for (let i = 0; i < m!; i += 1) {
        const { mean, inverse } = statisticsOf(x!, i * n!, n!, epsilon!);
        for (let j = 0; j < n!; j += 1) dGamma![j]! += dy![i * n! + j]! * (x![i * n! + j]! - mean) * inverse;
      }
    },
  };
}
