import Type from 'typebox';
import { initializerOption } from '../initializers/index.ts';
import { defineLayer, passMask } from './layer.ts';
import { affineWeights, channelsFault, normalizationOptions } from './normalization-options.ts';

/**
 * Batch normalisation over all axes but the last. In training with the mean and the biased variance of the batch, which also move the
 * running averages; at inference, and in a frozen layer, with the running averages.
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
  build(graph, { momentum, epsilon, scale, center }, [input], { gamma, beta, moving_mean, moving_variance }, { trainable }) {
    const affine = [gamma, beta].filter((weight) => weight !== undefined);
    const operands = [input!, ...affine, moving_mean!, moving_variance!];
    const attributes = { epsilon, scale, center };
    return graph.mode === 'training' && trainable
      ? graph.apply('batch_normalization', operands, { ...attributes, momentum })
      : graph.apply('normalization', operands, attributes);
  },
  outputMask: passMask,
});
