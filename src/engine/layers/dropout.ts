import Type from 'typebox';
import { STREAMS } from '../random.ts';
import { defineLayer, passMask } from './layer.ts';

/** Inverted dropout: in training `y = x m / (1 - rate)` with m drawn anew for every element and step; the identity otherwise. */
export const dropout = defineLayer({
  type: 'dropout',
  summary: 'In training sets a random share of the values to 0 and scales up the rest.',
  source: 'https://jmlr.org/papers/v15/srivastava14a.html',
  options: Type.Object({
    rate: Type.Number({ minimum: 0, exclusiveMaximum: 1, description: 'Share of the values that is dropped.' }),
  }),
  outputShape: (_options, [input]) => input!,
  weights: () => [],
  build(graph, { rate }, [input]) {
    // The stream is taken in any case, so that the rate of one layer does not change the masks of the others.
    const stream = STREAMS.dropout + graph.nextStream();
    return graph.mode === 'training' && rate > 0 ? graph.apply('dropout', [input!], { rate, stream }) : input!;
  },
  outputMask: passMask,
});
