import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { InitializerName } from '../initializers/index.ts';
import { initializerOption } from '../initializers/index.ts';
import { shapeOfPlane } from '../ops/window.ts';
import type { WindowAttributes } from '../ops/window-attributes.ts';
import type { Shape } from '../shape.ts';
import { activationOption, applyActivation } from './activations.ts';
import type { WeightDefinition } from './layer.ts';
import { defineLayer } from './layer.ts';
import type { Regularizer } from './regularizer.ts';
import { regularizerOption } from './regularizer.ts';
import type { Axes, Size, WindowRequest } from './windows.ts';
import { paddingOption, receptiveStep, sizeOption, windowAttributes, windowFault } from './windows.ts';

/** Options of the window of every convolution. */
export function windowOptions(axes: Axes) {
  return {
    kernel_size: sizeOption(axes, { description: 'Positions the window spans.' }),
    strides: sizeOption(axes, { default: 1, description: 'How far the window moves.' }),
    padding: paddingOption(),
    dilation_rate: sizeOption(axes, { default: 1, description: 'Distance of neighbouring positions of the window.' }),
  };
}

/** Options of the bias and of what follows the sum. */
export function biasOptions() {
  return {
    activation: activationOption('linear'),
    use_bias: Type.Boolean({ default: true, description: 'Whether there is a bias.' }),
    bias_initializer: initializerOption('zeros', 'First values of the bias.'),
    bias_regularizer: regularizerOption('Penalty on the bias.'),
  };
}

export function filtersOption() {
  return Type.Integer({ minimum: 1, description: 'Channels of the output.' });
}

export interface BiasOptions {
  readonly use_bias: boolean;
  readonly bias_initializer: InitializerName;
  readonly bias_regularizer: Regularizer | null;
}

export function biasWeights({ use_bias, bias_initializer, bias_regularizer }: BiasOptions, channels: number): WeightDefinition[] {
  const own = { name: 'bias', shape: [channels], trainable: true };
  return use_bias ? [{ ...own, initializer: bias_initializer, regularizer: bias_regularizer }] : [];
}

/** The window of a convolution as its options give it. */
export function windowOf(
  axes: Axes,
  options: { readonly kernel_size: Size; readonly strides: Size; readonly padding: 'valid' | 'same'; readonly dilation_rate: Size },
): WindowRequest {
  return { axes, window: options.kernel_size, strides: options.strides, dilation: options.dilation_rate, padding: options.padding };
}

/** A kernel of `kernel_size` in front of its channels. */
export function kernelShape(axes: Axes, attributes: WindowAttributes, ...channels: readonly number[]): Shape {
  return [...attributes.window.slice(2 - axes), ...channels];
}

/** Cross-correlation, channels last; with groups, each group of filters sees its own group of channels. */
export const conv1d = convolutionLayer(1);
export const conv2d = convolutionLayer(2);

function convolutionLayer(axes: Axes) {
  return defineLayer({
    type: `conv${axes}d`,
    summary:
      axes === 1
        ? 'Filters that slide along a sequence: activation(x * W + b).'
        : 'Filters that slide over an image: activation(x * W + b), channels last.',
    source: 'https://doi.org/10.1109/5.726791',
    options: Type.Object({
      filters: filtersOption(),
      ...windowOptions(axes),
      groups: Type.Integer({ minimum: 1, default: 1, description: 'Parts of the channels that are filtered apart.' }),
      ...biasOptions(),
      kernel_initializer: initializerOption('glorot_uniform', 'First values of the filters.'),
      kernel_regularizer: regularizerOption('Penalty on the filters.'),
    }),
    widthOption: 'filters',
    outputShape(options, [input]) {
      const fault = windowFault(windowOf(axes, options), input!, 'kernel_size') ?? groupsFault(options, input!);
      if (fault) return fault;
      return shapeOfPlane(windowAttributes(windowOf(axes, options), input!).output, options.filters, axes + 1);
    },
    weights(options, [input]) {
      const attributes = windowAttributes(windowOf(axes, options), input!);
      const shape = kernelShape(axes, attributes, input!.at(-1)! / options.groups, options.filters);
      const { kernel_initializer: initializer, kernel_regularizer: regularizer } = options;
      return [{ name: 'kernel', shape, initializer, regularizer, trainable: true }, ...biasWeights(options, options.filters)];
    },
    outputActivation: ({ activation }) => activation,
    receptive: (options) => receptiveStep(windowOf(axes, options)),
    build(graph, options, [input], { kernel, bias }) {
      const attributes = windowAttributes(windowOf(axes, options), input!.shape);
      const sum = convolve(graph, [input!, kernel!, bias], { ...attributes, groups: options.groups });
      return applyActivation(graph, options.activation, sum);
    },
  });
}

/** The op with or without a bias. */
export function convolve(
  graph: GraphBuilder,
  operands: readonly (Value | undefined)[],
  attributes: WindowAttributes & { readonly groups: number },
): Value {
  const present = operands.filter((operand) => operand !== undefined);
  return graph.apply('convolution', present, attributes);
}

function groupsFault({ groups, filters }: { readonly groups: number; readonly filters: number }, input: Shape): Fault | null {
  const channels = input.at(-1)!;
  if (channels % groups === 0 && filters % groups === 0) return null;
  return {
    pointer: '/groups',
    code: 'shape_mismatch',
    detail: `groups must divide the ${channels} channels of the input and the ${filters} filters.`,
    expected: { divides: [channels, filters] },
    received: groups,
    suggestion: [{ op: 'replace', path: '/groups', value: 1 }],
  };
}
