import Type from 'typebox';
import { initializerOption } from '../initializers/index.ts';
import { defineLayer } from './layer.ts';
import { regularizerOption } from './regularizer.ts';

/** A vector per whole number: ids (…) become y (…, output_dim), rows of a table that is learned. */
export const embedding = defineLayer({
  type: 'embedding',
  summary: 'A learned vector for each whole number.',
  source: 'https://www.jmlr.org/papers/v3/bengio03a.html',
  options: Type.Object({
    input_dim: Type.Integer({ minimum: 1, description: 'How many numbers there are: 0 to input_dim - 1.' }),
    output_dim: Type.Integer({ minimum: 1, description: 'Size of each vector.' }),
    mask_zero: Type.Boolean({ default: false, description: 'Whether 0 is padding: those steps do not count.' }),
    embeddings_initializer: initializerOption('random_uniform', 'First values of the table.'),
    embeddings_regularizer: regularizerOption('Penalty on the table.'),
  }),
  widthOption: 'output_dim',
  inputType: 'int32',
  outputShape: ({ output_dim }, [input]) => [...input!, output_dim],
  weights: ({ input_dim, output_dim, embeddings_initializer, embeddings_regularizer }) => [
    {
      name: 'embeddings',
      shape: [input_dim, output_dim],
      initializer: embeddings_initializer,
      trainable: true,
      regularizer: embeddings_regularizer,
    },
  ],
  build: (graph, _options, [ids], { embeddings }) => graph.apply('lookup', [ids!, embeddings!], {}),
  outputMask: (graph, { mask_zero }, [ids]) => (mask_zero && ids!.shape.length === 1 ? graph.apply('nonzero', [ids!], {}) : null),
});
