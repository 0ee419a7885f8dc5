import Type from 'typebox';
import { initializerOption } from '../initializers/index.ts';
import { activationOption, applyActivation } from './activations.ts';
import { affineWeights } from './affine-weights.ts';
import { defineLayer, passMask } from './layer.ts';
import { regularizerOption } from './regularizer.ts';

/** `y = activation(x W + b)` over the last axis: x (…, in), W (in, units), b (units), y (…, units). */
export const dense = defineLayer({
  type: 'dense',
  summary: 'Fully connected layer over the last axis: activation(x W + b).',
  source: 'https://doi.org/10.1038/323533a0',
  options: Type.Object({
    units: Type.Integer({ minimum: 1, description: 'Size of the output.' }),
    activation: activationOption('linear'),
    use_bias: Type.Boolean({ default: true, description: 'Whether b is there.' }),
    kernel_initializer: initializerOption('glorot_uniform', 'First values of W.'),
    bias_initializer: initializerOption('zeros', 'First values of b.'),
    kernel_regularizer: regularizerOption('Penalty on W.'),
    bias_regularizer: regularizerOption('Penalty on b.'),
  }),
  widthOption: 'units',
  outputShape({ units }, [input]) {
    if (input!.length > 0) return [...input!.slice(0, -1), units];
    return { pointer: '', code: 'shape_mismatch', detail: 'A dense layer needs an input with at least one axis besides the batch.' };
  },
  weights: (options, [input]) => affineWeights(options, input!.at(-1)!, options.units),
  outputActivation: ({ activation }) => activation,
  build(graph, { activation }, [input], { kernel, bias }) {
    const sum = graph.apply('dense', bias ? [input!, kernel!, bias] : [input!, kernel!], {});
    return applyActivation(graph, activation, sum);
  },
  outputMask: passMask,
});
