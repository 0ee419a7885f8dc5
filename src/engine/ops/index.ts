import { ACTIVATION_OPS } from './activations.ts';
import { binaryCrossEntropy, sigmoidCrossEntropy } from './binary-cross-entropy.ts';
import {
  categoricalCrossEntropy,
  softmaxCrossEntropy,
  sparseCategoricalCrossEntropy,
  sparseSoftmaxCrossEntropy,
} from './categorical-cross-entropy.ts';
import { dense } from './dense.ts';
import { dropout } from './dropout.ts';
import { meanSquaredError } from './mean-squared-error.ts';
import type { Op } from './op.ts';
import type { OpName } from './op-attributes.ts';
import { reshape } from './reshape.ts';

/** Every op by name. The type asks for all of them. */
export const OPS: { readonly [K in OpName]: Op<K> } = {
  ...ACTIVATION_OPS,
  dense,
  dropout,
  reshape,
  mean_squared_error: meanSquaredError,
  binary_cross_entropy: binaryCrossEntropy,
  sigmoid_cross_entropy: sigmoidCrossEntropy,
  categorical_cross_entropy: categoricalCrossEntropy,
  softmax_cross_entropy: softmaxCrossEntropy,
  sparse_categorical_cross_entropy: sparseCategoricalCrossEntropy,
  sparse_softmax_cross_entropy: sparseSoftmaxCrossEntropy,
};
