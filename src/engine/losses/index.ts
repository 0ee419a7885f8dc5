import { withDefaults } from '../schema.ts';
import { sizeOf } from '../shape.ts';
import type { TargetSignature } from '../spec/model-spec.ts';
import { binaryCrossEntropy } from './binary-cross-entropy.ts';
import { categoricalCrossEntropy, sparseCategoricalCrossEntropy } from './categorical-cross-entropy.ts';
import type { LossDefinition, LossOutput } from './loss.ts';
import { cosineSimilarity, hinge, huber, klDivergence, logCosh, meanAbsoluteError, meanSquaredError, poisson } from './of-numbers.ts';
import { perceptron } from './perceptron.ts';

/** Every loss by the name requests use. */
export const LOSSES = {
  mean_squared_error: meanSquaredError,
  mean_absolute_error: meanAbsoluteError,
  huber,
  log_cosh: logCosh,
  binary_cross_entropy: binaryCrossEntropy,
  categorical_cross_entropy: categoricalCrossEntropy,
  sparse_categorical_cross_entropy: sparseCategoricalCrossEntropy,
  hinge,
  kl_divergence: klDivergence,
  poisson,
  cosine_similarity: cosineSimilarity,
  perceptron,
} as const;

export type LossName = keyof typeof LOSSES;

/** The record of a loss, its options untyped: they were checked against its schema. */
export function lossOf(name: LossName): LossDefinition {
  return LOSSES[name];
}

/** The options of a loss with those left out filled in. */
export function lossOptions(name: LossName, posted: object = {}): Readonly<Record<string, unknown>> {
  return withDefaults(lossOf(name).options, posted) as Record<string, unknown>;
}

/** The loss that `auto` stands for: the likelihood that belongs to the output's activation. */
export function autoLoss(output: LossOutput, target: TargetSignature): LossName {
  if (output.activation === 'step' && target.kind === 'classes') return 'perceptron';
  if (output.activation === 'sigmoid' && target.kind === 'classes' && sizeOf(output.shape) === 1) return 'binary_cross_entropy';
  return target.kind === 'classes' ? 'sparse_categorical_cross_entropy' : 'mean_squared_error';
}
