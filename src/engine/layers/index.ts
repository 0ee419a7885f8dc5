import { activation } from './activation.ts';
import { add } from './add.ts';
import { average } from './average.ts';
import { batchNormalization } from './batch-normalization.ts';
import { bidirectional } from './bidirectional.ts';
import { concatenate } from './concatenate.ts';
import { conv2dTranspose } from './conv2d-transpose.ts';
import { conv1d, conv2d } from './convolutions.ts';
import { cropping2d } from './cropping2d.ts';
import { dense } from './dense.ts';
import { depthwiseConv2d } from './depthwise-conv2d.ts';
import { dot } from './dot.ts';
import { dropout } from './dropout.ts';
import { embedding } from './embedding.ts';
import { flatten } from './flatten.ts';
import { gaussianNoise } from './gaussian-noise.ts';
import { globalAveragePooling1d, globalAveragePooling2d, globalMaxPooling1d, globalMaxPooling2d } from './global-pooling.ts';
import { gru } from './gru.ts';
import type { LayerDefinition } from './layer.ts';
import { layerNormalization } from './layer-normalization.ts';
import { lstm } from './lstm.ts';
import { masking } from './masking.ts';
import { maximum } from './maximum.ts';
import { maxout } from './maxout.ts';
import { multiHeadAttention } from './multi-head-attention.ts';
import { multiply } from './multiply.ts';
import { permute } from './permute.ts';
import { averagePooling1d, averagePooling2d, maxPooling1d, maxPooling2d } from './pooling.ts';
import { prelu } from './prelu.ts';
import { repeatVector } from './repeat-vector.ts';
import { reshape } from './reshape.ts';
import { separableConv2d } from './separable-conv2d.ts';
import { simpleRnn } from './simple-rnn.ts';
import { spatialDropout1d, spatialDropout2d } from './spatial-dropout.ts';
import { subtract } from './subtract.ts';
import { timeDistributed } from './time-distributed.ts';
import { upSampling2d } from './up-sampling2d.ts';
import { zeroPadding2d } from './zero-padding2d.ts';

/** Every layer but those that hold another one. */
const PLAIN_LAYERS = {
  dense,
  activation,
  dropout,
  flatten,
  reshape,
  conv1d,
  conv2d,
  depthwise_conv2d: depthwiseConv2d,
  separable_conv2d: separableConv2d,
  conv2d_transpose: conv2dTranspose,
  max_pooling1d: maxPooling1d,
  max_pooling2d: maxPooling2d,
  average_pooling1d: averagePooling1d,
  average_pooling2d: averagePooling2d,
  global_max_pooling1d: globalMaxPooling1d,
  global_max_pooling2d: globalMaxPooling2d,
  global_average_pooling1d: globalAveragePooling1d,
  global_average_pooling2d: globalAveragePooling2d,
  batch_normalization: batchNormalization,
  layer_normalization: layerNormalization,
  prelu,
  maxout,
  spatial_dropout1d: spatialDropout1d,
  spatial_dropout2d: spatialDropout2d,
  gaussian_noise: gaussianNoise,
  simple_rnn: simpleRnn,
  lstm,
  gru,
  add,
  subtract,
  multiply,
  average,
  maximum,
  concatenate,
  dot,
  permute,
  repeat_vector: repeatVector,
  masking,
  embedding,
  zero_padding2d: zeroPadding2d,
  cropping2d,
  up_sampling2d: upSampling2d,
  multi_head_attention: multiHeadAttention,
} as const satisfies Record<string, LayerDefinition>;

/** Every layer by the type specs use. */
export const LAYERS = {
  ...PLAIN_LAYERS,
  bidirectional,
  time_distributed: timeDistributed(PLAIN_LAYERS),
} as const satisfies Record<string, LayerDefinition>;

export type LayerType = keyof typeof LAYERS;

/** The layer of a type that comes from outside, or undefined. */
export function layerOf(type: unknown): LayerDefinition | undefined {
  return typeof type === 'string' && isLayerType(type) ? LAYERS[type] : undefined;
}

function isLayerType(type: string): type is LayerType {
  return Object.hasOwn(LAYERS, type);
}
