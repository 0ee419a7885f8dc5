import { philox } from '../random.ts';
import { sizeOf } from '../shape.ts';
import type { KernelDefinition } from './op.ts';
import { defineOp, elementsOf } from './op.ts';

/** Upper 24 bits of a word: what a float32 holds exactly. */
const BITS_DROPPED = 8;
const STEPS = 2 ** 24;

/** `y = x + stddev normal(i)`. The noise is a function of (seed, step, stream, element). Bishop 1995: equivalent to a Tikhonov penalty. */
export const gaussianNoise = defineOp({
  name: 'gaussian_noise',
  source: 'https://doi.org/10.1162/neco.1995.7.1.108',
  outputs: ({ inputs: [x] }) => [x!.shape],
  forward: ({ inputs: [x], outputs: [y], attributes: { stddev, stream }, layer }) => [
    { kernel: 'gaussian_noise', buffers: [x!, y!], dims: [elementsOf(x!)], scalars: [stddev, stream], writes: [1], inPlace: [0, 1], layer },
  ],
  backward: ({ node: { layer }, arrived: [dy], wanted: [dx] }) =>
    dx
      ? [{ kernel: 'gaussian_noise_grad', buffers: [dy!, dx], dims: [elementsOf(dx)], scalars: [], writes: [1], inPlace: [0, 1], layer }]
      : [],
  // Two uniform words become two normal values by a logarithm, a root, a sine and a cosine.
  flops: ({ inputs: [x] }) => 10 * sizeOf(x!.shape),
  kernels: [noiseKernel(), gradientKernel()],
});

/** Two independent normal values from two words (Box and Muller 1958). u1 is in (0, 1], u2 in [0, 1). */
function boxMuller(first: number, second: number): readonly [number, number] {
  const radius = Math.sqrt(-2 * Math.log(((first >>> BITS_DROPPED) + 1) / STEPS));
  const angle = (2 * Math.PI * (second >>> BITS_DROPPED)) / STEPS;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

function noiseKernel(): KernelDefinition {
  return {
    name: 'gaussian_noise',
    buffers: ['x (n)', 'out: y (n), may be x'],
    dims: ['n'],
    scalars: ['stddev', 'stream'],
    formula:
      'y[i] = x[i] + stddev normal(i); words 2k and 2k+1 of the stream give normal(2k) = r cos(a), normal(2k+1) = r sin(a), r = sqrt(-2 log(((word(2k) >> 8) + 1) / 2^24)), a = 2 pi (word(2k+1) >> 8) / 2^24',
    run([x, y], [n], [stddev, stream], step) {
      for (let block = 0; block * 4 < n!; block += 1) {
        const words = philox(step.seed, [block, step.number, stream!, 0]);
        const noise = [...boxMuller(words[0], words[1]), ...boxMuller(words[2], words[3])];
        for (let i = block * 4; i < Math.min(block * 4 + 4, n!); i += 1) y![i] = x![i]! + stddev! * noise[i % 4]!;
      }
    },
  };
}

function gradientKernel(): KernelDefinition {
  return {
    name: 'gaussian_noise_grad',
    buffers: ['dy (n)', 'out: dx (n), may be dy'],
    dims: ['n'],
    scalars: [],
    formula: 'dx[i] = dy[i]',
    run([dy, dx], [n]) {
      for (let i = 0; i < n!; i += 1) dx![i] = dy![i]!;
    },
  };
}
