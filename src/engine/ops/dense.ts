import { sizeOf } from '../shape.ts';
import { activatedKernel } from './activated-kernel.ts';
import type { KernelDefinition } from './op.ts';
import { defineOp, fixed, lastAxis, OpError, outerSize, perRow } from './op.ts';

/** `y = x W + b` over the last axis: x (m, k), kernel (k, n), bias (n), y (m, n), where m is rows times the axes before the last. */
export const dense = defineOp({
  name: 'dense',
  outputs(application) {
    const [x, kernel, bias] = application.inputs;
    const [k, n] = kernel?.shape ?? [];
    if (!x || k === undefined || n === undefined || lastAxis(x) !== k || (bias && sizeOf(bias.shape) !== n)) {
      throw new OpError('dense', application, 'x [..., k], kernel [k, n] and bias [n]');
    }
    return [[...x.shape.slice(0, -1), n]];
  },
  forward: ({ inputs: [x, kernel, bias], outputs: [y], layer }) => [
    { kernel: 'dense', buffers: [x!, kernel!, bias ?? null, y!], dims: sizes(x!, kernel!), scalars: [], writes: [3], layer },
  ],
  backward({ node: { inputs, layer }, arrived: [dy], wanted: [dx, dKernel, dBias] }) {
    const [x, kernel] = inputs;
    const shared = { dims: sizes(x!, kernel!), scalars: [], layer };
    return [
      ...(dKernel ? [{ ...shared, kernel: 'dense_grad_kernel', buffers: [x!, dy!, dKernel], writes: [2] }] : []),
      ...(dBias
        ? [{ ...shared, kernel: 'dense_grad_bias', buffers: [dy!, dBias], dims: [shared.dims[0]!, shared.dims[2]!], writes: [1] }]
        : []),
      ...(dx ? [{ ...shared, kernel: 'dense_grad_input', buffers: [dy!, kernel!, dx], writes: [2] }] : []),
    ];
  },
  flops: ({ inputs: [x, kernel, bias] }) => outerSize(x!) * (2 * sizeOf(kernel!.shape) + (bias ? sizeOf(bias.shape) : 0)),
  kernels: [forwardKernel(), activatedKernel(forwardKernel()), inputKernel(), weightKernel(), biasKernel()],
});

function sizes(x: Parameters<typeof outerSize>[0], kernel: Parameters<typeof outerSize>[0]) {
  return [perRow(outerSize(x)), fixed(kernel.shape[0]!), fixed(kernel.shape[1]!)];
}

function forwardKernel(): KernelDefinition {
  return {
    name: 'dense',
    buffers: ['x (m, k)', 'kernel (k, n)', 'bias (n) or absent', 'out: y (m, n)'],
    dims: ['m', 'k', 'n'],
    scalars: [],
    formula: 'y[i,j] = bias[j] + sum over l of x[i,l] kernel[l,j]',
    run([x, kernel, bias, y], [m, k, n]) {
      for (let i = 0; i < m!; i += 1) {
        for (let j = 0; j < n!; j += 1) {
          let sum = bias ? bias[j]! : 0;
          for (let l = 0; l < k!; l += 1) sum += x![i * k! + l]! * kernel![l * n! + j]!;
          y![i * n! + j] = sum;
        }
      }
    },
  };
}

function inputKernel(): KernelDefinition {
  return {
    name: 'dense_grad_input',
    buffers: ['dy (m, n)', 'kernel (k, n)', 'out: dx (m, k)'],
    dims: ['m', 'k', 'n'],
    scalars: [],
    formula: 'y = x W  =>  dx = dy W^T: dx[i,l] = sum over j of dy[i,j] kernel[l,j]',
    run([dy, kernel, dx], [m, k, n]) {
      for (let i = 0; i < m!; i += 1) {
        for (let l = 0; l < k!; l += 1) {
          let sum = 0;
          for (let j = 0; j < n!; j += 1) sum += dy![i * n! + j]! * kernel![l * n! + j]!;
          dx![i * k! + l] = sum;
        }
      }
    },
  };
}

function weightKernel(): KernelDefinition {
  return {
    name: 'dense_grad_kernel',
    buffers: ['x (m, k)', 'dy (m, n)', 'out: dkernel (k, n)'],
    dims: ['m', 'k', 'n'],
    scalars: [],
    formula: 'y = x W  =>  dW = x^T dy: dkernel[l,j] = sum over i of x[i,l] dy[i,j]',
    run([x, dy, dKernel], [m, k, n]) {
      for (let l = 0; l < k!; l += 1) {
        for (let j = 0; j < n!; j += 1) {
          let sum = 0;
          for (let i = 0; i < m!; i += 1) sum += x![i * k! + l]! * dy![i * n! + j]!;
          dKernel![l * n! + j] = sum;
        }
      }
    },
  };
}

function biasKernel(): KernelDefinition {
  return {
    name: 'dense_grad_bias',
    buffers: ['dy (m, n)', 'out: dbias (n)'],
    dims: ['m', 'n'],
    scalars: [],
    formula: 'dbias[j] = sum over i of dy[i,j]',
    run([dy, dBias], [m, n]) {
      for (let j = 0; j < n!; j += 1) {
        let sum = 0;
        for (let i = 0; i < m!; i += 1) sum += dy![i * n! + j]!;
        dBias![j] = sum;
      }
    },
  };
}
