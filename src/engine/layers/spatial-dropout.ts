import Type from 'typebox';
import { STREAMS } from '../random.ts';
import { defineLayer, passMask } from './layer.ts';
import type { Axes } from './windows.ts';
import { rankFault } from './windows.ts';

/** Dropout of whole channels: neighbours in space are so alike that dropping single values drops nothing. */
export const spatialDropout1d = spatialDropoutLayer(1);
export const spatialDropout2d = spatialDropoutLayer(2);

function spatialDropoutLayer(axes: Axes) {
  return defineLayer({
    type: `spatial_dropout${axes}d`,
    summary: `In training sets a random share of the channels of ${axes === 1 ? 'a sequence' : 'an image'} to 0 and scales up the rest.`,
    source: 'https://arxiv.org/abs/1411.4280',
    options: Type.Object({
      rate: Type.Number({ minimum: 0, exclusiveMaximum: 1, description: 'Share of the channels that is dropped.' }),
    }),
    outputShape: (_options, [input]) => rankFault(axes, input!) ?? input!,
    weights: () => [],
    build(graph, { rate }, [input]) {
      // The stream is taken in any case, as in `dropout`.
      const stream = STREAMS.dropout + graph.nextStream();
      return graph.mode === 'training' && rate > 0 ? graph.apply('spatial_dropout', [input!], { rate, stream }) : input!;
    },
    outputMask: passMask,
  });
}
