import Type from 'typebox';
import { initializerOption } from '../initializers/index.ts';
import { shapeOfPlane } from '../ops/window.ts';
import type { WindowAttributes } from '../ops/window-attributes.ts';
import { applyActivation } from './activations.ts';
import { biasOptions, biasWeights, convolve, filtersOption, kernelShape, windowOf, windowOptions } from './convolutions.ts';
import { defineLayer } from './layer.ts';
import { regularizerOption } from './regularizer.ts';
import { receptiveStep, windowAttributes, windowFault } from './windows.ts';

const AXES = 2;
const POINT = [1, 1] as const;

/** A depthwise convolution and a 1x1 convolution that mixes its channels: far fewer weights than a full one. */
export const separableConv2d = defineLayer({
  type: 'separable_conv2d',
  summary: 'Filters every channel by itself, then mixes the channels at every position.',
  source: 'https://arxiv.org/abs/1610.02357',
  options: Type.Object({
    filters: filtersOption(),
    ...windowOptions(AXES),
    depth_multiplier: Type.Integer({ minimum: 1, default: 1, description: 'Channels between the two steps per channel of the input.' }),
    ...biasOptions(),
    depthwise_initializer: initializerOption('glorot_uniform', 'First values of the filters of single channels.'),
    pointwise_initializer: initializerOption('glorot_uniform', 'First values of the weights that mix channels.'),
    depthwise_regularizer: regularizerOption('Penalty on the filters of single channels.'),
    pointwise_regularizer: regularizerOption('Penalty on the weights that mix channels.'),
  }),
  widthOption: 'filters',
  outputShape(options, [input]) {
    const fault = windowFault(windowOf(AXES, options), input!, 'kernel_size');
    if (fault) return fault;
    return shapeOfPlane(windowAttributes(windowOf(AXES, options), input!).output, options.filters, input!.length);
  },
  weights(options, [input]) {
    const channels = input!.at(-1)!;
    const shape = kernelShape(AXES, windowAttributes(windowOf(AXES, options), input!), channels, options.depth_multiplier);
    return [
      {
        name: 'depthwise_kernel',
        shape,
        initializer: options.depthwise_initializer,
        regularizer: options.depthwise_regularizer,
        trainable: true,
      },
      {
        name: 'pointwise_kernel',
        shape: [...POINT, channels * options.depth_multiplier, options.filters],
        initializer: options.pointwise_initializer,
        regularizer: options.pointwise_regularizer,
        trainable: true,
      },
      ...biasWeights(options, options.filters),
    ];
  },
  outputActivation: ({ activation }) => activation,
  receptive: (options) => receptiveStep(windowOf(AXES, options)),
  build(graph, options, [input], { depthwise_kernel, pointwise_kernel, bias }) {
    const attributes = windowAttributes(windowOf(AXES, options), input!.shape);
    const filtered = convolve(graph, [input!, depthwise_kernel!], { ...attributes, groups: input!.shape.at(-1)! });
    const point: WindowAttributes = { window: POINT, strides: POINT, dilation: POINT, before: [0, 0], output: attributes.output };
    const mixed = convolve(graph, [filtered, pointwise_kernel!, bias], { ...point, groups: 1 });
    return applyActivation(graph, options.activation, mixed);
  },
});
