import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import { defineOp, fixed, OpError, perRow } from './op.ts';

/** Exchanges two neighbouring groups of axes: x (m, a, b, n) becomes y (m, b, a, n). Every permutation is a few of these. */
export const swapAxes = defineOp({
  name: 'swap_axes',
  outputs(application) {
    const [x] = application.inputs;
    const { from, middle, to } = application.attributes;
    if (!x || !(0 <= from && from < middle && middle < to && to <= x.shape.length))
      throw new OpError('swap_axes', application, 'two groups of axes');
    const { shape } = x;
    return [[...shape.slice(0, from), ...shape.slice(middle, to), ...shape.slice(from, middle), ...shape.slice(to)]];
  },
  forward: ({ inputs: [x], outputs: [y], attributes, layer }) => [
    { kernel: 'swap_axes', buffers: [x!, y!], dims: sizes(x!.shape, attributes), scalars: [], writes: [1], layer },
  ],
  backward({ node: { inputs, attributes, layer }, arrived: [dy], wanted: [dx] }) {
    if (!dx) return [];
    const [m, a, b, n] = sizes(inputs[0]!.shape, attributes);
    return [{ kernel: 'swap_axes', buffers: [dy!, dx], dims: [m!, b!, a!, n!], scalars: [], writes: [1], layer }];
  },
  flops: () => 0,
  kernels: [
    {
      name: 'swap_axes',
      buffers: ['x (m, a, b, n)', 'out: y (m, b, a, n)'],
      dims: ['m', 'a', 'b', 'n'],
      scalars: [],
      formula: 'y[i,q,p,j] = x[i,p,q,j]',
      run([x, y], [m, a, b, n]) {
        for (let i = 0; i < m!; i += 1) {
          for (let p = 0; p < a!; p += 1) {
            for (let q = 0; q < b!; q += 1) {
              const from = ((i * a! + p) * b! + q) * n!;
              const to = ((i * b! + q) * a! + p) * n!;
              for (let j = 0; j < n!; j += 1) y![to + j] = x![from + j]!;
            }
          }
        }
      },
    },
  ],
});

function sizes(shape: Shape, { from, middle, to }: { readonly from: number; readonly middle: number; readonly to: number }) {
  return [
    perRow(sizeOf(shape.slice(0, from))),
    fixed(sizeOf(shape.slice(from, middle))),
    fixed(sizeOf(shape.slice(middle, to))),
    fixed(sizeOf(shape.slice(to))),
  ];
}
