import Type from 'typebox';
import { initializerOption } from '../initializers/index.ts';
import { planeOf, shapeOfPlane, spanOf } from '../ops/window.ts';
import type { Pair, WindowAttributes } from '../ops/window-attributes.ts';
import type { Shape } from '../shape.ts';
import { applyActivation } from './activations.ts';
import { biasOptions, biasWeights, filtersOption, kernelShape, windowOptions } from './convolutions.ts';
import { defineLayer } from './layer.ts';
import { regularizerOption } from './regularizer.ts';
import type { Size } from './windows.ts';
import { pairOf, rankFault } from './windows.ts';

const AXES = 2;

interface Sizes {
  readonly kernel_size: Size;
  readonly strides: Size;
  readonly padding: 'valid' | 'same';
  readonly dilation_rate: Size;
}

/**
 * The transpose of a convolution: every cell adds itself times the kernel to the output, `strides` apart. The output has n s cells,
 * and k - s more with valid padding where the window of k = (kernel_size - 1) dilation_rate + 1 cells is larger than the stride; with
 * same padding those are cropped.
 */
export const conv2dTranspose = defineLayer({
  type: 'conv2d_transpose',
  summary: 'Enlarges an image by learned filters: the transpose of conv2d.',
  source: 'https://arxiv.org/abs/1603.07285',
  options: Type.Object({
    filters: filtersOption(),
    ...windowOptions(AXES),
    ...biasOptions(),
    kernel_initializer: initializerOption('glorot_uniform', 'First values of the filters.'),
    kernel_regularizer: regularizerOption('Penalty on the filters.'),
  }),
  widthOption: 'filters',
  outputShape(options, [input]) {
    return rankFault(AXES, input!) ?? shapeOfPlane(transposeAttributes(options, input!).size, options.filters, input!.length);
  },
  weights(options, [input]) {
    const shape = kernelShape(AXES, transposeAttributes(options, input!), options.filters, input!.at(-1)!);
    const { kernel_initializer: initializer, kernel_regularizer: regularizer } = options;
    return [{ name: 'kernel', shape, initializer, regularizer, trainable: true }, ...biasWeights(options, options.filters)];
  },
  outputActivation: ({ activation }) => activation,
  // Neighbouring positions are a fraction of an input position apart; one sees the cells whose windows cover it.
  receptive({ kernel_size, strides, dilation_rate }) {
    const [sizes, steps, gaps] = [pairOf(kernel_size, AXES), pairOf(strides, AXES), pairOf(dilation_rate, AXES)];
    const spans = sizes.map((size, axis) => spanOf(size, gaps[axis]!));
    return { kernel: spans.map((span, axis) => Math.ceil(span / steps[axis]!)), stride: steps.map((step) => 1 / step), dilation: [1, 1] };
  },
  build(graph, options, [input], { kernel, bias }) {
    const attributes = transposeAttributes(options, input!.shape);
    const sum = graph.apply('convolution_transpose', bias ? [input!, kernel!, bias] : [input!, kernel!], attributes);
    return applyActivation(graph, options.activation, sum);
  },
});

/** The convolution from the output back to the input, whose transpose this is. */
function transposeAttributes(
  { kernel_size, strides, padding, dilation_rate }: Sizes,
  input: Shape,
): WindowAttributes & { readonly size: Pair } {
  const { height, width } = planeOf(input);
  const [sizes, steps, gaps] = [pairOf(kernel_size, AXES), pairOf(strides, AXES), pairOf(dilation_rate, AXES)];
  const [down, across] = [height, width].map((cells, axis) => {
    const over = Math.max(spanOf(sizes[axis]!, gaps[axis]!) - steps[axis]!, 0);
    return padding === 'valid'
      ? { size: cells * steps[axis]! + over, before: 0 }
      : { size: cells * steps[axis]!, before: Math.floor(over / 2) };
  });
  return {
    window: sizes,
    strides: steps,
    dilation: gaps,
    before: [down!.before, across!.before],
    output: [height, width],
    size: [down!.size, across!.size],
  };
}
