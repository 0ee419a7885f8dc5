import { elementwiseMerge } from './merge.ts';

export const average = elementwiseMerge({
  type: 'average',
  summary: 'Mean of the inputs, element by element.',
  op: 'add',
  factor: (inputs) => 1 / inputs,
});
