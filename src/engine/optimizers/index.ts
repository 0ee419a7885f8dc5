import { adadelta } from './adadelta.ts';
import { adagrad } from './adagrad.ts';
import { adam, adamw } from './adam.ts';
import { adamax } from './adamax.ts';
import { nadam } from './nadam.ts';
import { perceptron } from './perceptron.ts';
import { rmsprop } from './rmsprop.ts';
import { sgd } from './sgd.ts';

/** Every optimizer by the name specs use. */
export const OPTIMIZERS = { sgd, rmsprop, adagrad, adadelta, adam, adamw, adamax, nadam, perceptron } as const;
