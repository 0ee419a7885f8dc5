import { sizeOf } from '../shape.ts';
import type { TargetSignature } from '../spec/model-spec.ts';
import { binaryCrossEntropy } from './binary-cross-entropy.ts';
import { categoricalCrossEntropy, sparseCategoricalCrossEntropy } from './categorical-cross-entropy.ts';
import type { LossOutput } from './loss.ts';
import { meanSquaredError } from './mean-squared-error.ts';

/** Every loss by the name requests use. */
export const LOSSES = {
  mean_squared_error: meanSquaredError,
  binary_cross_entropy: binaryCrossEntropy,
  categorical_cross_entropy: categoricalCrossEntropy,
  sparse_categorical_cross_entropy: sparseCategoricalCrossEntropy,
} as const;

export type LossName = keyof typeof LOSSES;

/** The loss that `auto` stands for: the likelihood that belongs to the output's activation. */
export function autoLoss(output: LossOutput, target: TargetSignature): LossName {
  if (output.activation === 'sigmoid' && target.kind === 'classes' && sizeOf(output.shape) === 1) return 'binary_cross_entropy';
  return target.kind === 'classes' ? 'sparse_categorical_cross_entropy' : 'mean_squared_error';
}
