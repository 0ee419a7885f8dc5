import type { NodeOf, Value } from '../graph/value.ts';
import { sizeOf } from '../shape.ts';
import type { BackwardRequest, Call, KernelDefinition } from './op.ts';
import { defineOp, fixed, lastAxis, outerSize, perRow } from './op.ts';

/** Probabilities over the last axis. The largest logit is subtracted first, so nothing overflows. */
export const softmax = defineOp<'softmax'>({
  name: 'softmax',
  outputs: ({ inputs: [x] }) => [x!.shape],
  forward,
  backward,
  flops: ({ inputs: [x] }) => 4 * sizeOf(x!.shape),
  kernels: [
    {
      ...vectorKernel('softmax', 'y[i,j] = exp(x[i,j] - max x[i]) / sum over l of exp(x[i,l] - max x[i])'),
      run([x, y], [m, n]) {
        for (let i = 0; i < m!; i += 1) {
          const shift = maximum(x!, i * n!, n!);
          let sum = 0;
          for (let j = i * n!; j < (i + 1) * n!; j += 1) {
            y![j] = Math.exp(x![j]! - shift);
            sum += y![j]!;
          }
          for (let j = i * n!; j < (i + 1) * n!; j += 1) y![j] = y![j]! / sum;
        }
      },
    },
    {
      ...vectorGradKernel('softmax_grad', 'dx[i,j] = y[i,j] (dy[i,j] - sum over l of y[i,l] dy[i,l])'),
      run([y, dy, dx], [m, n]) {
        for (let i = 0; i < m!; i += 1) {
          let dot = 0;
          for (let j = i * n!; j < (i + 1) * n!; j += 1) dot += y![j]! * dy![j]!;
          for (let j = i * n!; j < (i + 1) * n!; j += 1) dx![j] = y![j]! * (dy![j]! - dot);
        }
      },
    },
  ],
});

/** Logarithms of the softmax over the last axis, without forming the probabilities. */
export const logSoftmax = defineOp<'log_softmax'>({
  name: 'log_softmax',
  outputs: ({ inputs: [x] }) => [x!.shape],
  forward,
  backward,
  flops: ({ inputs: [x] }) => 4 * sizeOf(x!.shape),
  kernels: [
    {
      ...vectorKernel('log_softmax', 'y[i,j] = x[i,j] - max x[i] - log(sum over l of exp(x[i,l] - max x[i]))'),
      run([x, y], [m, n]) {
        for (let i = 0; i < m!; i += 1) {
          const logSum = logSumExp(x!, i * n!, n!);
          for (let j = i * n!; j < (i + 1) * n!; j += 1) y![j] = x![j]! - logSum;
        }
      },
    },
    {
      ...vectorGradKernel('log_softmax_grad', 'dx[i,j] = dy[i,j] - exp(y[i,j]) * sum over l of dy[i,l]'),
      run([y, dy, dx], [m, n]) {
        for (let i = 0; i < m!; i += 1) {
          let sum = 0;
          for (let j = i * n!; j < (i + 1) * n!; j += 1) sum += dy![j]!;
          for (let j = i * n!; j < (i + 1) * n!; j += 1) dx![j] = dy![j]! - Math.exp(y![j]!) * sum;
        }
      },
    },
  ],
});

/** Largest of `n` values from `start`. */
function maximum(values: ArrayLike<number>, start: number, n: number): number {
  let largest = values[start]!;
  for (let j = start + 1; j < start + n; j += 1) largest = Math.max(largest, values[j]!);
  return largest;
}

/** Logarithm of the sum of exponentials of `n` values from `start`. */
export function logSumExp(values: ArrayLike<number>, start: number, n: number): number {
  const shift = maximum(values, start, n);
  let sum = 0;
  for (let j = start; j < start + n; j += 1) sum += Math.exp(values[j]! - shift);
  return shift + Math.log(sum);
}

function sizes(x: Value) {
  return [perRow(outerSize(x)), fixed(lastAxis(x))];
}

function forward(node: NodeOf<'softmax' | 'log_softmax'>): Call[] {
  const [x] = node.inputs;
  const [y] = node.outputs;
  return [{ kernel: node.op, buffers: [x!, y!], dims: sizes(x!), scalars: [], writes: [1], inPlace: [0, 1], layer: node.layer }];
}

function backward({ node, arrived: [dy], wanted: [dx] }: BackwardRequest<'softmax' | 'log_softmax'>): Call[] {
  if (!dx) return [];
  const [y] = node.outputs;
  return [
    { kernel: `${node.op}_grad`, buffers: [y!, dy!, dx], dims: sizes(y!), scalars: [], writes: [2], inPlace: [1, 2], layer: node.layer },
  ];
}

function vectorKernel(name: string, formula: string): Omit<KernelDefinition, 'run'> {
  return { name, buffers: ['x (m, n)', 'out: y (m, n), may be x'], dims: ['m', 'n'], scalars: [], formula };
}

function vectorGradKernel(name: string, formula: string): Omit<KernelDefinition, 'run'> {
  return { name, buffers: ['y (m, n)', 'dy (m, n)', 'out: dx (m, n), may be dy'], dims: ['m', 'n'], scalars: [], formula };
}
