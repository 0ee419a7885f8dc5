import Type from 'typebox';
import { defineLayer, passMask } from './layer.ts';
import { affineWeights, channelsFault, normalizationOptions } from './normalization-options.ts';

/** Layer normalisation over the last axis: every vector by its own mean and biased variance, in training and inference alike. */
export const layerNormalization = defineLayer({
  type: 'layer_normalization',
  summary: 'Brings each vector of the last axis to mean 0 and variance 1, then scales and shifts it.',
  source: 'https://arxiv.org/abs/1607.06450',
  options: Type.Object(normalizationOptions()),
  outputShape: (_options, [input]) => channelsFault(input!) ?? input!,
  weights: (options, [input]) => affineWeights(options, input!),
  build(graph, { epsilon, scale, center }, [input], { gamma, beta }) {
    const affine = [gamma, beta].filter((weight) => weight !== undefined);
    return graph.apply('layer_normalization', [input!, ...affine], { epsilon, scale, center });
  },
  outputMask: passMask,
});
