import Type from 'typebox';
import { formatShape } from '../shape.ts';
import { defineLayer } from './layer.ts';

/** Steps whose features all equal a value do not count: x (t, f), and a mask (t). They are set to 0. */
export const masking = defineLayer({
  type: 'masking',
  summary: 'Leaves out the steps of a sequence whose features all equal a value.',
  options: Type.Object({ mask_value: Type.Number({ default: 0, description: 'What all features of a step to be left out equal.' }) }),
  outputShape(_options, [input]) {
    if (input!.length === 2) return input!;
    return {
      pointer: '',
      code: 'shape_mismatch',
      detail: `A masking layer needs a sequence of vectors, received ${formatShape(input!)}.`,
      expected: '[batch, time, features]',
      received: formatShape(input!),
    };
  },
  weights: () => [],
  build(graph, { mask_value }, [input]) {
    const mask = graph.apply('differing', [input!], { value: mask_value });
    return graph.apply('mask_rows', [input!, mask], {});
  },
  outputMask: (graph, { mask_value }, [input]) => graph.apply('differing', [input!], { value: mask_value }),
});
