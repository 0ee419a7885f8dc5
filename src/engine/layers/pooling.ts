import Type from 'typebox';
import { shapeOfPlane } from '../ops/window.ts';
import { defineLayer } from './layer.ts';
import type { Axes, Size, WindowRequest } from './windows.ts';
import { paddingOption, poolStridesOption, receptiveStep, sizeOption, windowAttributes, windowFault } from './windows.ts';

const POOL_SIZE_DEFAULT = 2;
const WORDS = { max: 'The largest value', average: 'The mean' } as const;

interface Sizes {
  readonly pool_size: Size;
  readonly strides: Size | null;
  readonly padding: 'valid' | 'same';
}

/** The largest value, or the mean, of every window. Padding is never the largest and is not counted in a mean. */
export const maxPooling1d = poolingLayer('max', 1);
export const maxPooling2d = poolingLayer('max', 2);
export const averagePooling1d = poolingLayer('average', 1);
export const averagePooling2d = poolingLayer('average', 2);

function poolingLayer<Kind extends 'max' | 'average'>(kind: Kind, axes: Axes) {
  const requestOf = ({ pool_size, strides, padding }: Sizes): WindowRequest => {
    return { axes, window: pool_size, strides: strides ?? pool_size, dilation: 1, padding };
  };
  return defineLayer({
    type: `${kind}_pooling${axes}d`,
    summary: `${WORDS[kind]} of every window ${axes === 1 ? 'along a sequence' : 'over an image'}, channel by channel.`,
    source: 'https://doi.org/10.1109/5.726791',
    options: Type.Object({
      pool_size: sizeOption(axes, { default: POOL_SIZE_DEFAULT, description: 'Positions the window spans.' }),
      strides: poolStridesOption(axes),
      padding: paddingOption(),
    }),
    outputShape(options, [input]) {
      const fault = windowFault(requestOf(options), input!, 'pool_size');
      if (fault) return fault;
      return shapeOfPlane(windowAttributes(requestOf(options), input!).output, input!.at(-1)!, axes + 1);
    },
    weights: () => [],
    receptive: (options) => receptiveStep(requestOf(options)),
    build: (graph, options, [input]) => graph.apply(`${kind}_pooling`, [input!], windowAttributes(requestOf(options), input!.shape)),
  });
}
