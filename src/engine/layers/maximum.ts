import { elementwiseMerge } from './merge.ts';

export const maximum = elementwiseMerge({ type: 'maximum', summary: 'Largest of the inputs, element by element.', op: 'maximum' });
