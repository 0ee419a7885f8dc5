import Type from 'typebox';
import { initializerOption } from '../initializers/index.ts';
import { defineLayer, passMask } from './layer.ts';
import { regularizerOption } from './regularizer.ts';

/** z for z > 0, else alpha z, with an alpha for every element of a row. */
export const prelu = defineLayer({
  type: 'prelu',
  summary: 'Leaky relu whose slope for negative values is learned, element by element.',
  source: 'https://arxiv.org/abs/1502.01852',
  options: Type.Object({
    alpha_initializer: initializerOption('zeros', 'First values of alpha.'),
    alpha_regularizer: regularizerOption('Penalty on alpha.'),
  }),
  outputShape: (_options, [input]) => input!,
  weights: ({ alpha_initializer: initializer, alpha_regularizer: regularizer }, [input]) => [
    { name: 'alpha', shape: input!, initializer, regularizer, trainable: true },
  ],
  build: (graph, _options, [input], { alpha }) => graph.apply('prelu', [input!, alpha!], {}),
  outputMask: passMask,
});
