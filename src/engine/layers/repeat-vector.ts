import Type from 'typebox';
import { formatShape } from '../shape.ts';
import { defineLayer } from './layer.ts';

const REPEATS_MAX = 2 ** 20;

/** x (f) becomes y (n, f): the same vector at every step. */
export const repeatVector = defineLayer({
  type: 'repeat_vector',
  summary: 'Repeats a vector as the steps of a sequence.',
  options: Type.Object({ n: Type.Integer({ minimum: 1, maximum: REPEATS_MAX, description: 'Number of steps.' }) }),
  outputShape({ n }, [input]) {
    if (input!.length === 1) return [n, input![0]!];
    return {
      pointer: '',
      code: 'shape_mismatch',
      detail: `A repeat_vector layer needs one vector per row, received ${formatShape(input!)}.`,
      expected: '[batch, n]',
      received: formatShape(input!),
    };
  },
  weights: () => [],
  build(graph, { n }, [input]) {
    const sequence = graph.apply('reshape', [input!], { shape: [1, ...input!.shape] });
    return graph.apply('repeat', [sequence], { axis: 0, times: n });
  },
});
