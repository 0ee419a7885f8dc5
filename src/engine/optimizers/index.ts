import { adam } from './adam.ts';
import { sgd } from './sgd.ts';

/** Every optimizer by the name specs use. */
export const OPTIMIZERS = { sgd, adam } as const;

export type OptimizerName = keyof typeof OPTIMIZERS;
