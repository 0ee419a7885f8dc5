import Type from 'typebox';
import { formatShape } from '../shape.ts';
import { defineLayer } from './layer.ts';
import { imageFault, marginsOf, marginsOption } from './margins.ts';

/** An image without its margins: x (top + h + bottom, left + w + right, c) becomes y (h, w, c). */
export const cropping2d = defineLayer({
  type: 'cropping2d',
  summary: 'An image without its margins.',
  options: Type.Object({
    cropping: marginsOption(0, 'Rows and columns to cut off: a number, [rows, columns] or [[top, bottom], [left, right]].'),
  }),
  outputShape({ cropping }, [input]) {
    const margins = marginsOf(cropping);
    const wrong = imageFault('cropping2d', input!);
    if (wrong) return wrong;
    const shape = input!.map((size, axis) => size - (margins[axis]?.[0] ?? 0) - (margins[axis]?.[1] ?? 0));
    if (shape.every((size) => size > 0)) return shape;
    const detail = `Nothing is left of ${formatShape(input!)} when that much is cut off.`;
    return { pointer: '/cropping', code: 'shape_mismatch', detail, received: cropping };
  },
  weights: () => [],
  build: (graph, { cropping }, [input]) =>
    marginsOf(cropping).reduce((image, [before, after], axis) => {
      return before + after === 0 ? image : graph.apply('crop', [image], { axis, from: before, to: image.shape[axis]! - after });
    }, input!),
});
