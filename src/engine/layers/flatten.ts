import Type from 'typebox';
import { sizeOf } from '../shape.ts';
import { defineLayer } from './layer.ts';

/** x (a, b, …) becomes y (a * b * …), row-major; no value moves. */
export const flatten = defineLayer({
  type: 'flatten',
  summary: 'Lays all axes out in one, row by row.',
  options: Type.Object({}),
  outputShape: (_options, [input]) => [sizeOf(input!)],
  weights: () => [],
  build: (graph, _options, [input]) =>
    input!.shape.length === 1 ? input! : graph.apply('reshape', [input!], { shape: [sizeOf(input!.shape)] }),
});
