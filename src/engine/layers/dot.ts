import Type from 'typebox';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { Shape } from '../shape.ts';
import { formatShape, sizeOf } from '../shape.ts';
import { defineLayer } from './layer.ts';
import { permuted } from './permuted.ts';

/** A vector shorter than this has no direction (the epsilon of Keras). */
const SHORTEST = 1e-7;

/**
 * Sum over one axis of each of two inputs: x (…, k, …), y (…, k, …) becomes the other axes of x, then those of y. Normalised, every
 * vector along the summed axis has length 1, which makes the products cosines.
 */
export const dot = defineLayer({
  type: 'dot',
  summary: 'Products of two inputs summed over one axis of each.',
  options: Type.Object({
    axes: Type.Union([Type.Integer(), Type.Array(Type.Integer(), { minItems: 2, maxItems: 2 })], {
      default: -1,
      description: 'The summed axis of both inputs, or one for each; the batch is axis 0, negative ones count from the end.',
    }),
    normalize: Type.Boolean({ default: false, description: 'Whether vectors along the summed axes are brought to length 1: cosines.' }),
  }),
  arity: { min: 2, max: 2 },
  outputShape({ axes }, [x, y]) {
    const [a, b] = axesOf(axes, x!, y!);
    const fits = x![a] !== undefined && x![a] === y![b];
    if (fits) return resultShape(x!, y!, a, b);
    return {
      pointer: '/axes',
      code: 'shape_mismatch',
      detail: `The summed axes must be equally long, but ${formatShape(x!)} and ${formatShape(y!)} have ${x![a] ?? 'no'} and ${y![b] ?? 'no'} positions there.`,
      expected: x![a] ?? null,
      received: y![b] ?? null,
    };
  },
  weights: () => [],
  build(graph, { axes, normalize }, [x, y]) {
    const [a, b] = axesOf(axes, x!.shape, y!.shape);
    const k = x!.shape[a]!;
    const [u, v] = [operand(graph, x!, a, normalize), operand(graph, y!, b, normalize)];
    const left = graph.apply('reshape', [axisAt(graph, u.value, u.axis, 'last')], { shape: [sizeOf(x!.shape) / k, k] });
    const right = graph.apply('reshape', [axisAt(graph, v.value, v.axis, 'first')], { shape: [k, sizeOf(y!.shape) / k] });
    const product = graph.apply('batch_product', [left, right], {});
    return graph.apply('reshape', [product], { shape: resultShape(x!.shape, y!.shape, a, b) });
  },
});

function axesOf(axes: number | readonly number[], x: Shape, y: Shape): [number, number] {
  const [a = -1, b = -1] = typeof axes === 'number' ? [axes, axes] : axes;
  return [a < 0 ? x.length + a : a - 1, b < 0 ? y.length + b : b - 1];
}

function resultShape(x: Shape, y: Shape, a: number, b: number): Shape {
  const rest = [...x.toSpliced(a, 1), ...y.toSpliced(b, 1)];
  return rest.length === 0 ? [1] : rest;
}

/** An input and its summed axis: as they are, or with vectors of length 1 along that axis, which is then the last. */
function operand(graph: GraphBuilder, value: Value, axis: number, normalize: boolean) {
  if (!normalize) return { value, axis };
  const units = graph.apply('l2_normalize', [axisAt(graph, value, axis, 'last')], { epsilon: SHORTEST });
  return { value: units, axis: value.shape.length - 1 };
}

function axisAt(graph: GraphBuilder, value: Value, axis: number, end: 'first' | 'last'): Value {
  const others = value.shape.map((_, i) => i).filter((i) => i !== axis);
  return permuted(graph, value, end === 'first' ? [axis, ...others] : [...others, axis]);
}
