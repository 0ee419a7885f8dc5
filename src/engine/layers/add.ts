import { elementwiseMerge } from './merge.ts';

export const add = elementwiseMerge({ type: 'add', summary: 'Sum of the inputs.', op: 'add' });
