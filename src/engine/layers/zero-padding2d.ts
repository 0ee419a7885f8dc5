import Type from 'typebox';
import { defineLayer } from './layer.ts';
import { imageFault, marginsOf, marginsOption } from './margins.ts';

/** Zeros around an image: x (h, w, c) becomes y (top + h + bottom, left + w + right, c). */
export const zeroPadding2d = defineLayer({
  type: 'zero_padding2d',
  summary: 'Zeros around an image.',
  options: Type.Object({
    padding: marginsOption(1, 'Rows and columns to add: a number, [rows, columns] or [[top, bottom], [left, right]].'),
  }),
  outputShape({ padding }, [input]) {
    const margins = marginsOf(padding);
    return imageFault('zero_padding2d', input!) ?? input!.map((size, axis) => size + (margins[axis]?.[0] ?? 0) + (margins[axis]?.[1] ?? 0));
  },
  weights: () => [],
  build: (graph, { padding }, [input]) =>
    marginsOf(padding).reduce(
      (image, [before, after], axis) => (before + after === 0 ? image : graph.apply('pad', [image], { axis, before, after })),
      input!,
    ),
});
