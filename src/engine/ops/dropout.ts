import { philox } from '../random.ts';
import { sizeOf } from '../shape.ts';
import { defineOp, elementsOf } from './op.ts';

/**
 * Inverted dropout: kept elements are scaled by 1 / (1 - rate), so inference is the identity.
 * The mask is a function of (seed, step, stream, element): backward draws it again instead of storing it.
 */
export const dropout = defineOp({
  name: 'dropout',
  source: 'https://jmlr.org/papers/v15/srivastava14a.html',
  outputs: ({ inputs: [x] }) => [x!.shape],
  forward: ({ inputs: [x], outputs: [y], attributes, layer }) => [masked(x!, y!, attributes, layer)],
  backward: ({ node: { attributes, layer }, arrived: [dy], wanted: [dx] }) => (dx ? [masked(dy!, dx, attributes, layer)] : []),
  flops: ({ inputs: [x] }) => sizeOf(x!.shape),
  kernels: [
    {
      name: 'dropout',
      buffers: ['x (n)', 'out: y (n), may be x'],
      dims: ['n'],
      scalars: ['rate', 'stream'],
      formula: 'y[i] = word(i) >= rate * 2^32 ? x[i] / (1 - rate) : 0, word(i) = word i mod 4 of Philox block floor(i / 4)',
      run([x, y], [n], [rate, stream], step) {
        const threshold = rate! * 2 ** 32;
        const scale = 1 / (1 - rate!);
        for (let block = 0; block * 4 < n!; block += 1) {
          const words = philox(step.seed, [block, step.number, stream!, 0]);
          for (let i = block * 4; i < Math.min(block * 4 + 4, n!); i += 1) y![i] = words[i % 4]! >= threshold ? x![i]! * scale : 0;
        }
      },
    },
  ],
});

function masked(
  from: Parameters<typeof elementsOf>[0],
  to: Parameters<typeof elementsOf>[0],
  attributes: { rate: number; stream: number },
  layer: string,
) {
  return {
    kernel: 'dropout',
    buffers: [from, to],
    dims: [elementsOf(from)],
    scalars: [attributes.rate, attributes.stream],
    writes: [1],
    inPlace: [0, 1] as const,
    layer,
  };
}
