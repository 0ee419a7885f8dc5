import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { InitializerName } from '../initializers/index.ts';
import { initializerOption } from '../initializers/index.ts';
import type { Shape } from '../shape.ts';
import type { WeightDefinition } from './layer.ts';
import type { Regularizer } from './regularizer.ts';
import { regularizerOption } from './regularizer.ts';

/** Options of every normalisation with a gamma and a beta. */
export function normalizationOptions() {
  return {
    epsilon: Type.Number({ exclusiveMinimum: 0, default: 1e-3, description: 'Added to the variance.' }),
    center: Type.Boolean({ default: true, description: 'Whether beta is added.' }),
    scale: Type.Boolean({ default: true, description: 'Whether it is multiplied by gamma.' }),
    gamma_initializer: initializerOption('ones', 'First values of gamma.'),
    beta_initializer: initializerOption('zeros', 'First values of beta.'),
    gamma_regularizer: regularizerOption('Penalty on gamma.'),
    beta_regularizer: regularizerOption('Penalty on beta.'),
  };
}

interface AffineOptions {
  readonly center: boolean;
  readonly scale: boolean;
  readonly gamma_initializer: InitializerName;
  readonly beta_initializer: InitializerName;
  readonly gamma_regularizer: Regularizer | null;
  readonly beta_regularizer: Regularizer | null;
}

/** gamma and beta of the last axis, as far as the options have them. */
export function affineWeights(options: AffineOptions, input: Shape): readonly WeightDefinition[] {
  const shared = { shape: [input.at(-1)!], trainable: true };
  const gamma = { ...shared, name: 'gamma', initializer: options.gamma_initializer, regularizer: options.gamma_regularizer };
  const beta = { ...shared, name: 'beta', initializer: options.beta_initializer, regularizer: options.beta_regularizer };
  return [...(options.scale ? [gamma] : []), ...(options.center ? [beta] : [])];
}

/** What is wrong with an input that has no channels, or null. */
export function channelsFault(input: Shape): Fault | null {
  if (input.length > 0) return null;
  return { pointer: '', code: 'shape_mismatch', detail: 'Normalisation needs an input with at least one axis besides the batch.' };
}
