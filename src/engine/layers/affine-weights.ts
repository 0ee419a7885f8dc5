import type { WeightDefinition } from './layer.ts';

/** Options of the weights of `x W + b`. */
export interface AffineOptions {
  readonly use_bias: boolean;
  readonly kernel_initializer: WeightDefinition['initializer'];
  readonly bias_initializer: WeightDefinition['initializer'];
  readonly kernel_regularizer: NonNullable<WeightDefinition['regularizer']> | null;
  readonly bias_regularizer: NonNullable<WeightDefinition['regularizer']> | null;
}

/** W (inputs, outputs) and, if wanted, b (outputs). */
export function affineWeights(own: AffineOptions, inputs: number, outputs: number): WeightDefinition[] {
  const shared = { trainable: true };
  const shape = [inputs, outputs];
  const kernel = { ...shared, name: 'kernel', shape, initializer: own.kernel_initializer, regularizer: own.kernel_regularizer };
  const bias = { ...shared, name: 'bias', shape: [outputs], initializer: own.bias_initializer, regularizer: own.bias_regularizer };
  return own.use_bias ? [kernel, bias] : [kernel];
}
