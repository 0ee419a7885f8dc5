import { defineOp, elementsOf } from './op.ts';

/** `y = scale x + shift`, element by element: label smoothing of targets that are probabilities. */
export const affine = defineOp({
  name: 'affine',
  outputs: ({ inputs: [x] }) => [x!.shape],
  forward({ inputs: [x], outputs: [y], attributes: { scale, shift }, layer }) {
    return [{ kernel: 'affine', buffers: [x!, y!], dims: [elementsOf(x!)], scalars: [scale, shift], writes: [1], inPlace: [0, 1], layer }];
  },
  backward({
    node: {
      inputs: [x],
      attributes: { scale },
      layer,
    },
    arrived: [dy],
    wanted: [dx],
  }) {
    if (!dy || !dx) return [];
    return [{ kernel: 'affine', buffers: [dy, dx], dims: [elementsOf(x!)], scalars: [scale, 0], writes: [1], inPlace: [0, 1], layer }];
  },
  flops: ({ inputs: [x] }) => 2 * elementsOf(x!).size,
  kernels: [
    {
      name: 'affine',
      buffers: ['x (n)', 'out: y (n), may be x'],
      dims: ['n'],
      scalars: ['scale', 'shift'],
      formula: 'y[i] = scale x[i] + shift',
      run([x, y], [n], [scale, shift]) {
        for (let i = 0; i < n!; i += 1) y![i] = scale! * x![i]! + shift!;
      },
    },
  ],
});
