import { ACTIVATION_OPS } from './activations.ts';
import { affine } from './affine.ts';
import { binaryCrossEntropy, sigmoidCrossEntropy } from './binary-cross-entropy.ts';
import {
  categoricalCrossEntropy,
  softmaxCrossEntropy,
  sparseCategoricalCrossEntropy,
  sparseSoftmaxCrossEntropy,
} from './categorical-cross-entropy.ts';
import { cosineSimilarity } from './cosine-similarity.ts';
import { batchNormalization, normalization } from './batch-normalization.ts';
import { convolution } from './convolution.ts';
import { convolutionTranspose } from './convolution-transpose.ts';
import { dense } from './dense.ts';
import { gaussianNoise } from './gaussian-noise.ts';
import { layerNormalization } from './layer-normalization.ts';
import { maxout } from './maxout.ts';
import { averagePooling, maxPooling } from './pooling.ts';
import { prelu } from './prelu.ts';
import { spatialDropout } from './spatial-dropout.ts';
import { dropout } from './dropout.ts';
import { dropoutMask } from './dropout-mask.ts';
import { gru } from './gru.ts';
import { gruResetBefore } from './gru-reset-before.ts';
import { klDivergence } from './kl-divergence.ts';
import { hinge, huber, logCosh, meanAbsoluteError, poisson } from './mean-losses.ts';
import { lstm } from './lstm.ts';
import { meanSquaredError } from './mean-squared-error.ts';
import { oneHot } from './one-hot.ts';
import type { Op } from './op.ts';
import type { OpName } from './op-attributes.ts';
import { perceptron } from './perceptron.ts';
import { reshape } from './reshape.ts';
import { simpleRnn } from './simple-rnn.ts';

/** Every op by name. The type asks for all of them. */
export const OPS: { readonly [K in OpName]: Op<K> } = {
  ...ACTIVATION_OPS,
  dense,
  dropout,
  reshape,
  convolution,
  convolution_transpose: convolutionTranspose,
  max_pooling: maxPooling,
  average_pooling: averagePooling,
  batch_normalization: batchNormalization,
  normalization,
  layer_normalization: layerNormalization,
  prelu,
  maxout,
  spatial_dropout: spatialDropout,
  gaussian_noise: gaussianNoise,
  simple_rnn: simpleRnn,
  lstm,
  gru,
  gru_reset_before: gruResetBefore,
  dropout_mask: dropoutMask,
  affine,
  one_hot: oneHot,
  mean_squared_error: meanSquaredError,
  mean_absolute_error: meanAbsoluteError,
  huber,
  log_cosh: logCosh,
  hinge,
  poisson,
  kl_divergence: klDivergence,
  cosine_similarity: cosineSimilarity,
  perceptron,
  binary_cross_entropy: binaryCrossEntropy,
  sigmoid_cross_entropy: sigmoidCrossEntropy,
  categorical_cross_entropy: categoricalCrossEntropy,
  softmax_cross_entropy: softmaxCrossEntropy,
  sparse_categorical_cross_entropy: sparseCategoricalCrossEntropy,
  sparse_softmax_cross_entropy: sparseSoftmaxCrossEntropy,
};
