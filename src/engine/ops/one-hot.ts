import { defineOp, elementsOf, fixed } from './op.ts';

/** Class indices as rows of probabilities, smoothed: `on` at the class, `off` elsewhere. A class outside gives NaN. */
export const oneHot = defineOp({
  name: 'one_hot',
  source: 'https://arxiv.org/abs/1512.00567',
  outputs: ({ inputs: [classes], attributes: { classes: count } }) => [[...classes!.shape, count]],
  forward({ inputs: [classes], outputs: [y], attributes: { classes: count, on, off }, layer }) {
    const dims = [elementsOf(classes!), fixed(count)];
    return [{ kernel: 'one_hot', buffers: [classes!, y!], dims, scalars: [on, off], writes: [1], layer }];
  },
  constant: true,
  backward: () => [],
  flops: () => 0,
  kernels: [
    {
      name: 'one_hot',
      buffers: ['y (m) int32 classes', 'out: rows (m, n)'],
      dims: ['m', 'n'],
      scalars: ['on', 'off'],
      formula: 'rows[i,j] = j = y[i] ? on : off; NaN where y[i] is no class',
      run([classes, rows], [m, n], [on, off]) {
        for (let i = 0; i < m!; i += 1) {
          const known = classes![i]! >= 0 && classes![i]! < n!;
          for (let j = 0; j < n!; j += 1) rows![i * n! + j] = known ? (j === classes![i]! ? on! : off!) : Number.NaN;
        }
      },
    },
  ],
});
