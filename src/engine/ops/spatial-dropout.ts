import type { Value } from '../graph/value.ts';
import { philox } from '../random.ts';
import { sizeOf } from '../shape.ts';
import { defineOp, fixed, lastAxis, outerSize, perRow } from './op.ts';

/** Dropout of whole channels, x (n, s, c): one word for each row and channel. Tompson et al. 2015, section 3.2. */
export const spatialDropout = defineOp({
  name: 'spatial_dropout',
  source: 'https://arxiv.org/abs/1411.4280',
  outputs: ({ inputs: [x] }) => [x!.shape],
  forward: ({ inputs: [x], outputs: [y], attributes, layer }) => [masked(x!, y!, attributes, layer)],
  backward: ({ node: { attributes, layer }, arrived: [dy], wanted: [dx] }) => (dx ? [masked(dy!, dx, attributes, layer)] : []),
  flops: ({ inputs: [x] }) => sizeOf(x!.shape),
  kernels: [
    {
      name: 'spatial_dropout',
      buffers: ['x (n, s, c)', 'out: y (n, s, c), may be x'],
      dims: ['n', 's', 'c'],
      scalars: ['rate', 'stream'],
      formula: 'y[i,k,j] = word(i c + j) >= rate * 2^32 ? x[i,k,j] / (1 - rate) : 0, word(e) = word e mod 4 of Philox block floor(e / 4)',
      run([x, y], [n, s, c], [rate, stream], step) {
        const threshold = rate! * 2 ** 32;
        const scale = 1 / (1 - rate!);
        for (let e = 0; e < n! * c!; e += 1) {
          const words = philox(step.seed, [Math.floor(e / 4), step.number, stream!, 0]);
          const isKept = words[e % 4]! >= threshold;
          const first = Math.floor(e / c!) * s! * c! + (e % c!);
          for (let k = 0; k < s!; k += 1) y![first + k * c!] = isKept ? x![first + k * c!]! * scale : 0;
        }
      },
    },
  ],
});

function masked(from: Value, to: Value, { rate, stream }: { rate: number; stream: number }, layer: string) {
  return {
    kernel: 'spatial_dropout',
    buffers: [from, to],
    dims: [perRow(1), fixed(outerSize(from)), fixed(lastAxis(from))],
    scalars: [rate, stream],
    writes: [1],
    inPlace: [0, 1] as const,
    layer,
  };
}
