import Type from 'typebox';
import { initializerOption } from '../initializers/index.ts';
import { shapeOfPlane } from '../ops/window.ts';
import { applyActivation } from './activations.ts';
import { biasOptions, biasWeights, convolve, kernelShape, windowOf, windowOptions } from './convolutions.ts';
import { defineLayer } from './layer.ts';
import { regularizerOption } from './regularizer.ts';
import { receptiveStep, windowAttributes, windowFault } from './windows.ts';

const AXES = 2;

/** A convolution that never mixes channels: channel c of the input becomes channels c m … c m + m - 1 of the output. */
export const depthwiseConv2d = defineLayer({
  type: 'depthwise_conv2d',
  summary: 'Filters every channel by itself, channels last.',
  source: 'https://arxiv.org/abs/1403.1687',
  options: Type.Object({
    ...windowOptions(AXES),
    depth_multiplier: Type.Integer({ minimum: 1, default: 1, description: 'Channels of the output per channel of the input.' }),
    ...biasOptions(),
    depthwise_initializer: initializerOption('glorot_uniform', 'First values of the filters.'),
    depthwise_regularizer: regularizerOption('Penalty on the filters.'),
  }),
  outputShape(options, [input]) {
    const fault = windowFault(windowOf(AXES, options), input!, 'kernel_size');
    if (fault) return fault;
    return shapeOfPlane(windowAttributes(windowOf(AXES, options), input!).output, input!.at(-1)! * options.depth_multiplier, input!.length);
  },
  weights(options, [input]) {
    const channels = input!.at(-1)!;
    const shape = kernelShape(AXES, windowAttributes(windowOf(AXES, options), input!), channels, options.depth_multiplier);
    const { depthwise_initializer: initializer, depthwise_regularizer: regularizer } = options;
    const kernel = { name: 'depthwise_kernel', shape, initializer, regularizer, trainable: true };
    return [kernel, ...biasWeights(options, channels * options.depth_multiplier)];
  },
  outputActivation: ({ activation }) => activation,
  receptive: (options) => receptiveStep(windowOf(AXES, options)),
  build(graph, options, [input], { depthwise_kernel, bias }) {
    const attributes = windowAttributes(windowOf(AXES, options), input!.shape);
    const sum = convolve(graph, [input!, depthwise_kernel!, bias], { ...attributes, groups: input!.shape.at(-1)! });
    return applyActivation(graph, options.activation, sum);
  },
});
