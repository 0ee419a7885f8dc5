import type { Value } from '../graph/value.ts';
import { sameShape, sizeOf } from '../shape.ts';
import type { CallSize, KernelDefinition } from './op.ts';
import { defineOp, elementsOf, OpError, perRow } from './op.ts';

const DIMS = ['m', 'n'];

/** A slope of its own for every element along the last axes, those of alpha without axes of size 1: x (m, n), alpha (n). He et al. 2015, section 2.1. */
export const prelu = defineOp({
  name: 'prelu',
  source: 'https://arxiv.org/abs/1502.01852',
  outputs(application) {
    const [x, alpha] = application.inputs;
    const own = alpha?.shape.filter((size) => size !== 1) ?? [];
    const last = x?.shape.filter((size) => size !== 1).slice(-own.length || Number.POSITIVE_INFINITY) ?? [];
    if (!x || !alpha || !sameShape(last, own)) throw new OpError('prelu', application, 'x and an alpha of its last axes');
    return [x.shape];
  },
  forward({ inputs: [x, alpha], outputs: [y], layer }) {
    return [{ kernel: 'prelu', buffers: [x!, alpha!, y!], dims: dimsOf(x!, alpha!), scalars: [], writes: [2], layer }];
  },
  backward({ node: { inputs, layer }, arrived: [dy], wanted: [dx, dAlpha] }) {
    const [x, alpha] = inputs;
    const shared = { dims: dimsOf(x!, alpha!), scalars: [], layer };
    return [
      ...(dAlpha ? [{ ...shared, kernel: 'prelu_grad_alpha', buffers: [x!, dy!, dAlpha], writes: [2] }] : []),
      ...(dx ? [{ ...shared, kernel: 'prelu_grad', buffers: [x!, alpha!, dy!, dx], writes: [3], inPlace: [2, 3] as const }] : []),
    ];
  },
  flops: ({ inputs: [x] }) => sizeOf(x!.shape),
  kernels: [valueKernel(), slopeKernel(), alphaKernel()],
});

function dimsOf(x: Value, alpha: Value): CallSize[] {
  return [perRow(sizeOf(x.shape) / sizeOf(alpha.shape)), elementsOf(alpha)];
}

function valueKernel(): KernelDefinition {
  return {
    name: 'prelu',
    buffers: ['x (m, n)', 'alpha (n)', 'out: y (m, n)'],
    dims: DIMS,
    scalars: [],
    formula: 'y[i,j] = x[i,j] > 0 ? x[i,j] : alpha[j] x[i,j]',
    run([x, alpha, y], [m, n]) {
      for (let i = 0; i < m! * n!; i += 1) y![i] = x![i]! > 0 ? x![i]! : alpha![i % n!]! * x![i]!;
    },
  };
}

function slopeKernel(): KernelDefinition {
  return {
    name: 'prelu_grad',
    buffers: ['x (m, n)', 'alpha (n)', 'dy (m, n)', 'out: dx (m, n), may be dy'],
    dims: DIMS,
    scalars: [],
    formula: 'dx[i,j] = x[i,j] > 0 ? dy[i,j] : alpha[j] dy[i,j]',
    run([x, alpha, dy, dx], [m, n]) {
      for (let i = 0; i < m! * n!; i += 1) dx![i] = x![i]! > 0 ? dy![i]! : alpha![i % n!]! * dy![i]!;
    },
  };
}

function alphaKernel(): KernelDefinition {
  return {
    name: 'prelu_grad_alpha',
    buffers: ['x (m, n)', 'dy (m, n)', 'out: dalpha (n)'],
    dims: DIMS,
    scalars: [],
    formula: 'dalpha[j] = sum over i of x[i,j] > 0 ? 0 : x[i,j] dy[i,j]',
    run([x, dy, dAlpha], [m, n]) {
      dAlpha!.fill(0);
      for (let i = 0; i < m! * n!; i += 1) dAlpha![i % n!]! += x![i]! > 0 ? 0 : x![i]! * dy![i]!;
    },
  };
}
