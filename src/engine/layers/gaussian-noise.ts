import Type from 'typebox';
import { STREAMS } from '../random.ts';
import { defineLayer, passMask } from './layer.ts';

/** In training `y = x + stddev n` with n normal and drawn anew for every element and step; the identity otherwise. */
export const gaussianNoise = defineLayer({
  type: 'gaussian_noise',
  summary: 'In training adds normal noise to every value.',
  source: 'https://doi.org/10.1162/neco.1995.7.1.108',
  options: Type.Object({ stddev: Type.Number({ minimum: 0, description: 'Standard deviation of the noise.' }) }),
  outputShape: (_options, [input]) => input!,
  weights: () => [],
  build(graph, { stddev }, [input]) {
    // The stream is taken in any case, as in `dropout`.
    const stream = STREAMS.noise + graph.nextStream();
    return graph.mode === 'training' && stddev > 0 ? graph.apply('gaussian_noise', [input!], { stddev, stream }) : input!;
  },
  outputMask: passMask,
});
