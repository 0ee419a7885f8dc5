import { elementwiseMerge } from './merge.ts';

export const subtract = elementwiseMerge({
  type: 'subtract',
  summary: 'The first input minus the second.',
  arity: { min: 2, max: 2 },
  op: 'subtract',
});
