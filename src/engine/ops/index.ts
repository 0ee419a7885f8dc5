import { ACTIVATION_OPS } from './activations.ts';
import { affine } from './affine.ts';
import { batchNormalization, normalization } from './batch-normalization.ts';
import { batchProduct } from './batch-product.ts';
import { add, maximum, multiply, subtract } from './binary.ts';
import { binaryCrossEntropy, sigmoidCrossEntropy } from './binary-cross-entropy.ts';
import {
  categoricalCrossEntropy,
  softmaxCrossEntropy,
  sparseCategoricalCrossEntropy,
  sparseSoftmaxCrossEntropy,
} from './categorical-cross-entropy.ts';
import { concatenate, crop, pad } from './columns.ts';
import { convolution } from './convolution.ts';
import { convolutionTranspose } from './convolution-transpose.ts';
import { cosineSimilarity } from './cosine-similarity.ts';
import { dense } from './dense.ts';
import { dropout } from './dropout.ts';
import { dropoutMask } from './dropout-mask.ts';
import { gaussianNoise } from './gaussian-noise.ts';
import { gru } from './gru.ts';
import { gruResetBefore } from './gru-reset-before.ts';
import { klDivergence } from './kl-divergence.ts';
import { l2Normalize } from './l2-normalize.ts';
import { layerNormalization } from './layer-normalization.ts';
import { lookup } from './lookup.ts';
import { lstm } from './lstm.ts';
import { differing, maskRows, nonzero } from './masks.ts';
import { maxout } from './maxout.ts';
import { hinge, huber, logCosh, meanAbsoluteError, poisson } from './mean-losses.ts';
import { meanSquaredError } from './mean-squared-error.ts';
import { oneHot } from './one-hot.ts';
import type { Op } from './op.ts';
import type { OpName } from './op-attributes.ts';
import { perceptron } from './perceptron.ts';
import { averagePooling, maxPooling } from './pooling.ts';
import { prelu } from './prelu.ts';
import { repeat } from './repeat.ts';
import { reshape } from './reshape.ts';
import { reverseTime } from './reverse-time.ts';
import { causalScores, maskScores } from './score-masks.ts';
import { simpleRnn } from './simple-rnn.ts';
import { spatialDropout } from './spatial-dropout.ts';
import { rowsToSteps, stepsToRows } from './step-rows.ts';
import { swapAxes } from './swap-axes.ts';

/** Every op by name. The type asks for all of them. */
export const OPS: { readonly [K in OpName]: Op<K> } = {
  ...ACTIVATION_OPS,
  dense,
  dropout,
  reshape,
  add,
  subtract,
  multiply,
  maximum,
  concatenate,
  crop,
  pad,
  repeat,
  swap_axes: swapAxes,
  steps_to_rows: stepsToRows,
  rows_to_steps: rowsToSteps,
  lookup,
  nonzero,
  differing,
  mask_rows: maskRows,
  batch_product: batchProduct,
  mask_scores: maskScores,
  causal_scores: causalScores,
  convolution,
  convolution_transpose: convolutionTranspose,
  max_pooling: maxPooling,
  average_pooling: averagePooling,
  batch_normalization: batchNormalization,
  normalization,
  layer_normalization: layerNormalization,
  l2_normalize: l2Normalize,
  prelu,
  maxout,
  spatial_dropout: spatialDropout,
  gaussian_noise: gaussianNoise,
  simple_rnn: simpleRnn,
  lstm,
  gru,
  gru_reset_before: gruResetBefore,
  dropout_mask: dropoutMask,
  reverse_time: reverseTime,
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
