import { elementwiseMerge } from './merge.ts';

export const multiply = elementwiseMerge({ type: 'multiply', summary: 'Product of the inputs, element by element.', op: 'multiply' });
