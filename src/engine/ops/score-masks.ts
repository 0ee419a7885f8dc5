/* Attention scores (…, queries, keys) that must not count are replaced by one value, `fill`; no gradient passes there. */
import { sizeOf } from '../shape.ts';
import { defineOp, fixed, lastAxis, OpError, outerSize, perRow } from './op.ts';

/** Scores (…, n) and the mask (n) of the keys of a row. */
export const maskScores = defineOp({
  name: 'mask_scores',
  outputs(application) {
    const [x, mask] = application.inputs;
    if (!x || !mask || sizeOf(mask.shape) !== lastAxis(x)) throw new OpError('mask_scores', application, 'one mask value per key');
    return [x.shape];
  },
  forward: ({ inputs: [x, mask], outputs: [y], attributes: { fill }, layer }) => [
    {
      kernel: 'mask_scores',
      buffers: [x!, mask!, y!],
      dims: [perRow(1), fixed(outerSize(x!)), fixed(lastAxis(x!))],
      scalars: [fill],
      writes: [2],
      inPlace: [0, 2],
      layer,
    },
  ],
  backward({ node: { inputs, layer }, arrived: [dy], wanted: [dx] }) {
    const [x, mask] = inputs;
    const dims = [perRow(1), fixed(outerSize(x!)), fixed(lastAxis(x!))];
    return dx ? [{ kernel: 'mask_scores', buffers: [dy!, mask!, dx], dims, scalars: [0], writes: [2], inPlace: [0, 2], layer }] : [];
  },
  flops: () => 0,
  kernels: [
    {
      name: 'mask_scores',
      buffers: ['x (b, r, n)', 'mask (b, n)', 'out: y (b, r, n), may be x'],
      dims: ['b', 'r', 'n'],
      scalars: ['fill'],
      formula: 'y[b,i,j] = mask[b,j] != 0 ? x[b,i,j] : fill',
      run([x, mask, y], [count, r, n], [fill]) {
        for (let i = 0; i < count! * r!; i += 1) {
          const row = Math.floor(i / r!) * n!;
          for (let j = 0; j < n!; j += 1) y![i * n! + j] = mask![row + j] === 0 ? fill! : x![i * n! + j]!;
        }
      },
    },
  ],
});

/** Scores (…, q, n): query i sees the keys up to i, the last query all of them when there are as many. */
export const causalScores = defineOp({
  name: 'causal_scores',
  outputs: ({ inputs: [x] }) => [x!.shape],
  forward: ({ inputs: [x], outputs: [y], attributes: { fill }, layer }) => [
    { kernel: 'causal_scores', buffers: [x!, y!], dims: scoreSizes(x!.shape), scalars: [fill], writes: [1], inPlace: [0, 1], layer },
  ],
  backward({ node: { inputs, layer }, arrived: [dy], wanted: [dx] }) {
    const dims = scoreSizes(inputs[0]!.shape);
    return dx ? [{ kernel: 'causal_scores', buffers: [dy!, dx], dims, scalars: [0], writes: [1], inPlace: [0, 1], layer }] : [];
  },
  flops: () => 0,
  kernels: [
    {
      name: 'causal_scores',
      buffers: ['x (b, q, n)', 'out: y (b, q, n), may be x'],
      dims: ['b', 'q', 'n'],
      scalars: ['fill'],
      formula: 'y[b,i,j] = j <= i ? x[b,i,j] : fill',
      run([x, y], [count, q, n], [fill]) {
        for (let i = 0; i < count! * q!; i += 1) {
          for (let j = 0; j < n!; j += 1) y![i * n! + j] = j <= i % q! ? x![i * n! + j]! : fill!;
        }
      },
    },
  ],
});

function scoreSizes(shape: readonly number[]) {
  return [perRow(sizeOf(shape.slice(0, -2))), fixed(shape.at(-2)!), fixed(shape.at(-1)!)];
}
