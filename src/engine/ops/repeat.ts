import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import { defineOp, fixed, perRow } from './op.ts';

/** Every position of an axis `times` times in a row: x (m, n) becomes y (m, times, n), m being the axis and all before it. */
export const repeat = defineOp({
  name: 'repeat',
  outputs: ({ inputs: [x], attributes: { axis, times } }) => [x!.shape.with(axis, x!.shape[axis]! * times)],
  forward: ({ inputs: [x], outputs: [y], attributes, layer }) => [
    { kernel: 'repeat', buffers: [x!, y!], dims: sizes(x!.shape, attributes), scalars: [], writes: [1], layer },
  ],
  backward({ node: { inputs, attributes, layer }, arrived: [dy], wanted: [dx] }) {
    if (!dx) return [];
    const dims = sizes(inputs[0]!.shape, attributes);
    return [{ kernel: 'repeat_grad', buffers: [dy!, dx], dims, scalars: [], writes: [1], layer }];
  },
  flops: () => 0,
  kernels: [
    {
      name: 'repeat',
      buffers: ['x (m, n)', 'out: y (m, k, n)'],
      dims: ['m', 'k', 'n'],
      scalars: [],
      formula: 'y[i,l,j] = x[i,j]',
      run([x, y], [m, k, n]) {
        for (let i = 0; i < m!; i += 1) {
          for (let l = 0; l < k!; l += 1) for (let j = 0; j < n!; j += 1) y![(i * k! + l) * n! + j] = x![i * n! + j]!;
        }
      },
    },
    {
      name: 'repeat_grad',
      buffers: ['dy (m, k, n)', 'out: dx (m, n)'],
      dims: ['m', 'k', 'n'],
      scalars: [],
      formula: 'dx[i,j] = sum over l of dy[i,l,j], in order of l',
      run([dy, dx], [m, k, n]) {
        dx!.fill(0, 0, m! * n!);
        for (let i = 0; i < m!; i += 1) {
          for (let l = 0; l < k!; l += 1) {
            for (let j = 0; j < n!; j += 1) dx![i * n! + j] = dx![i * n! + j]! + dy![(i * k! + l) * n! + j]!;
          }
        }
      },
    },
  ],
});

function sizes(shape: Shape, { axis, times }: { readonly axis: number; readonly times: number }) {
  return [perRow(sizeOf(shape.slice(0, axis + 1))), fixed(times), fixed(sizeOf(shape.slice(axis + 1)))];
}
