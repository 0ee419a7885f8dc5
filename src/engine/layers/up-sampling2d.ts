import Type from 'typebox';
import { defineLayer } from './layer.ts';
import { factorsOf, factorsOption, imageFault } from './margins.ts';

/** Every pixel as a block of equal ones: x (h, w, c) becomes y (h * size, w * size, c). */
export const upSampling2d = defineLayer({
  type: 'up_sampling2d',
  summary: 'Enlarges an image by repeating its rows and columns.',
  options: Type.Object({ size: factorsOption(2, 'Repeats of each row and column: a number or [rows, columns].') }),
  outputShape({ size }, [input]) {
    const factors = factorsOf(size);
    return imageFault('up_sampling2d', input!) ?? input!.map((length, axis) => length * (factors[axis] ?? 1));
  },
  weights: () => [],
  build: (graph, { size }, [input]) =>
    // Columns first: rows are then copied as they are.
    [...factorsOf(size).entries()]
      .toReversed()
      .reduce((image, [axis, times]) => (times === 1 ? image : graph.apply('repeat', [image], { axis, times })), input!),
});
