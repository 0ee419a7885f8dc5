import Type from 'typebox';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import { initializerOption } from '../initializers/index.ts';
import { sizeOf } from '../shape.ts';
import { defineLayer, passMask } from './layer.ts';
import { affineWeights, channelsFault, normalizationOptions } from './normalization-options.ts';

/**
 * Batch normalisation over all axes but the last. In training with the mean and the biased variance of the batch, which also move the
 * running averages; at inference, and in a frozen layer, with the running averages. Steps a mask leaves out do not count in the mean
 * and variance of the batch.
 */
export const batchNormalization = defineLayer({
  type: 'batch_normalization',
  summary: 'Brings each channel to mean 0 and variance 1 over the batch, then scales and shifts it.',
  source: 'https://arxiv.org/abs/1502.03167',
  options: Type.Object({
    momentum: Type.Number({ minimum: 0, maximum: 1, default: 0.99, description: 'What running averages keep of themselves in a step.' }),
    ...normalizationOptions(),
    moving_mean_initializer: initializerOption('zeros', 'First values of the running mean.'),
    moving_variance_initializer: initializerOption('ones', 'First values of the running variance.'),
  }),
  outputShape: (_options, [input]) => channelsFault(input!) ?? input!,
  weights(options, [input]) {
    const statistics = { shape: [input!.at(-1)!], trainable: false };
    return [
      ...affineWeights(options, input!),
      { ...statistics, name: 'moving_mean', initializer: options.moving_mean_initializer },
      { ...statistics, name: 'moving_variance', initializer: options.moving_variance_initializer },
    ];
  },
  build(graph, { momentum, epsilon, scale, center }, [input], { gamma, beta, moving_mean, moving_variance }, { masks: [mask], trainable }) {
    const affine = [gamma, beta].filter((weight) => weight !== undefined);
    const operands = [input!, ...affine, moving_mean!, moving_variance!];
    const attributes = { epsilon, scale, center };
    if (graph.mode === 'inference' || !trainable) return graph.apply('normalization', operands, attributes);
    const counted = mask ? [maskOfVectors(graph, input!, mask)] : [];
    return graph.apply('batch_normalization', [...operands, ...counted], { ...attributes, momentum, masked: counted.length > 0 });
  },
  outputMask: passMask,
});

/** The mask [time] of steps (time, …, c) for every vector of the last axis. */
function maskOfVectors(graph: GraphBuilder, { shape }: Value, mask: Value): Value {
  const times = sizeOf(shape.slice(0, -1)) / sizeOf(mask.shape);
  return times === 1 ? mask : graph.apply('repeat', [mask], { axis: 0, times });
}
