import Type from 'typebox';
import { initializerOption } from '../initializers/index.ts';
import { affineWeights } from './affine-weights.ts';
import { defineLayer, passMask } from './layer.ts';
import { regularizerOption } from './regularizer.ts';

/** The largest of several linear functions per unit: y = max over the pieces of x W + b, W (in, units pieces), piece index fastest. */
export const maxout = defineLayer({
  type: 'maxout',
  summary: 'Dense layer whose units are the largest of several linear functions: a learned convex activation.',
  source: 'https://proceedings.mlr.press/v28/goodfellow13.html',
  options: Type.Object({
    units: Type.Integer({ minimum: 1, description: 'Size of the output.' }),
    pieces: Type.Integer({ minimum: 1, default: 2, description: 'Linear functions per unit.' }),
    use_bias: Type.Boolean({ default: true, description: 'Whether there is a bias.' }),
    kernel_initializer: initializerOption('glorot_uniform', 'First values of W.'),
    bias_initializer: initializerOption('zeros', 'First values of b.'),
    kernel_regularizer: regularizerOption('Penalty on W.'),
    bias_regularizer: regularizerOption('Penalty on b.'),
  }),
  widthOption: 'units',
  outputShape({ units }, [input]) {
    if (input!.length > 0) return [...input!.slice(0, -1), units];
    return { pointer: '', code: 'shape_mismatch', detail: 'A maxout layer needs an input with at least one axis besides the batch.' };
  },
  weights: (options, [input]) => affineWeights(options, input!.at(-1)!, options.units * options.pieces),
  build(graph, { pieces }, [input], { kernel, bias }) {
    const sum = graph.apply('dense', bias ? [input!, kernel!, bias] : [input!, kernel!], {});
    return graph.apply('maxout', [sum], { pieces });
  },
  outputMask: passMask,
});
