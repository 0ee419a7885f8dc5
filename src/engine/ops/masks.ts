/* Masks: 1 for what counts, 0 for what does not. No gradient goes into them. */
import { sizeOf } from '../shape.ts';
import { defineOp, elementsOf, fixed, lastAxis, OpError, outerSize, perRow } from './op.ts';

/** The mask of an embedding: id 0 is padding. */
export const nonzero = defineOp({
  name: 'nonzero',
  outputs: ({ inputs: [ids] }) => [ids!.shape],
  forward: ({ inputs: [ids], outputs: [mask], layer }) => [
    { kernel: 'nonzero', buffers: [ids!, mask!], dims: [elementsOf(ids!)], scalars: [], writes: [1], layer },
  ],
  backward: () => [],
  flops: () => 0,
  constant: true,
  kernels: [
    {
      name: 'nonzero',
      buffers: ['ids (n) int32 classes', 'out: mask (n)'],
      dims: ['n'],
      scalars: [],
      formula: 'mask[i] = ids[i] != 0 ? 1 : 0',
      run([ids, mask], [n]) {
        for (let i = 0; i < n!; i += 1) mask![i] = ids![i] === 0 ? 0 : 1;
      },
    },
  ],
});

/** The mask of the masking layer: a step counts when any of its features differs from the value. */
export const differing = defineOp({
  name: 'differing',
  outputs: ({ inputs: [x] }) => [x!.shape.slice(0, -1)],
  forward: ({ inputs: [x], outputs: [mask], attributes: { value }, layer }) => [
    { kernel: 'differing', buffers: [x!, mask!], dims: [perRow(outerSize(x!)), fixed(lastAxis(x!))], scalars: [value], writes: [1], layer },
  ],
  backward: () => [],
  flops: ({ inputs: [x] }) => sizeOf(x!.shape),
  constant: true,
  kernels: [
    {
      name: 'differing',
      buffers: ['x (m, n)', 'out: mask (m)'],
      dims: ['m', 'n'],
      scalars: ['value'],
      formula: 'mask[i] = 1 if any x[i,j] != (real) value, else 0',
      run([x, mask], [m, n], [value]) {
        const real = x instanceof Float32Array ? Math.fround(value!) : value!;
        for (let i = 0; i < m!; i += 1) {
          mask![i] = 0;
          for (let j = 0; j < n!; j += 1) if (x![i * n! + j] !== real) mask![i] = 1;
        }
      },
    },
  ],
});

/** x (m, n) with the rows that do not count set to 0; mask (m). */
export const maskRows = defineOp({
  name: 'mask_rows',
  outputs(application) {
    const [x, mask] = application.inputs;
    if (!x || !mask || sizeOf(mask.shape) !== outerSize(x)) throw new OpError('mask_rows', application, 'one mask value per vector');
    return [x.shape];
  },
  forward: ({ inputs: [x, mask], outputs: [y], layer }) => [
    {
      kernel: 'mask_rows',
      buffers: [x!, mask!, y!],
      dims: [perRow(outerSize(x!)), fixed(lastAxis(x!))],
      scalars: [],
      writes: [2],
      inPlace: [0, 2],
      layer,
    },
  ],
  backward({ node: { inputs, layer }, arrived: [dy], wanted: [dx] }) {
    const [x, mask] = inputs;
    const dims = [perRow(outerSize(x!)), fixed(lastAxis(x!))];
    return dx ? [{ kernel: 'mask_rows', buffers: [dy!, mask!, dx], dims, scalars: [], writes: [2], inPlace: [0, 2], layer }] : [];
  },
  flops: () => 0,
  kernels: [
    {
      name: 'mask_rows',
      buffers: ['x (m, n)', 'mask (m)', 'out: y (m, n), may be x'],
      dims: ['m', 'n'],
      scalars: [],
      formula: 'y[i,j] = mask[i] != 0 ? x[i,j] : 0',
      run([x, mask, y], [m, n]) {
        for (let i = 0; i < m!; i += 1) for (let j = i * n!; j < (i + 1) * n!; j += 1) y![j] = mask![i] === 0 ? 0 : x![j]!;
      },
    },
  ],
});
