import Type from 'typebox';
import { formatShape } from '../shape.ts';
import { defineLayer } from './layer.ts';
import { permuted } from './permuted.ts';

const AXES_MAX = 8;

/** The axes of a row in another order: axis i of the output is axis `dims[i]` of the input. */
export const permute = defineLayer({
  type: 'permute',
  summary: 'The axes of a row in another order.',
  options: Type.Object({
    dims: Type.Array(Type.Integer({ minimum: 1, maximum: AXES_MAX }), {
      minItems: 1,
      maxItems: AXES_MAX,
      uniqueItems: true,
      description: 'Axes of the input in their new order, counted from 1; the batch stays.',
    }),
  }),
  outputShape({ dims }, [input]) {
    const all = input!.map((_, axis) => axis + 1);
    if (dims.length === all.length && all.every((axis) => dims.includes(axis))) return dims.map((axis) => input![axis - 1]!);
    return {
      pointer: '/dims',
      code: 'shape_mismatch',
      detail: `dims must name each of the ${all.length} axes of ${formatShape(input!)} once, received [${dims.join(', ')}].`,
      expected: all,
      received: dims,
      suggestion: [{ op: 'replace', path: '/dims', value: all.toReversed() }],
    };
  },
  weights: () => [],
  build: (graph, { dims }, [input]) =>
    permuted(
      graph,
      input!,
      dims.map((axis) => axis - 1),
    ),
});
