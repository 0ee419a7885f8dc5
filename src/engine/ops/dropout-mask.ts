import { philox } from '../random.ts';
import { sizeOf } from '../shape.ts';
import { defineOp, elementsOf } from './op.ts';

/** The factors of inverted dropout by themselves, for a layer that multiplies by them more than once. */
export const dropoutMask = defineOp({
  name: 'dropout_mask',
  source: 'https://arxiv.org/abs/1512.05287',
  outputs: ({ attributes: { shape } }) => [shape],
  forward: ({ outputs: [mask], attributes: { rate, stream }, layer }) => [
    { kernel: 'dropout_mask', buffers: [mask!], dims: [elementsOf(mask!)], scalars: [rate, stream], writes: [0], layer },
  ],
  constant: true,
  backward: () => [],
  flops: ({ attributes: { shape } }) => sizeOf(shape),
  kernels: [
    {
      name: 'dropout_mask',
      buffers: ['out: factors (n)'],
      dims: ['n'],
      scalars: ['rate', 'stream'],
      formula: 'factor[i] = word(i) >= rate * 2^32 ? 1 / (1 - rate) : 0, word(i) as in dropout',
      run([factors], [n], [rate, stream], step) {
        const threshold = rate! * 2 ** 32;
        const scale = 1 / (1 - rate!);
        for (let block = 0; block * 4 < n!; block += 1) {
          const words = philox(step.seed, [block, step.number, stream!, 0]);
          for (let i = block * 4; i < Math.min(block * 4 + 4, n!); i += 1) factors![i] = words[i % 4]! >= threshold ? scale : 0;
        }
      },
    },
  ],
});
