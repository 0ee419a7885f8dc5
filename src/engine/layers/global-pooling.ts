import Type from 'typebox';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import { planeOf } from '../ops/window.ts';
import type { Pair } from '../ops/window-attributes.ts';
import type { Shape } from '../shape.ts';
import { defineLayer } from './layer.ts';
import type { Axes } from './windows.ts';
import { rankFault } from './windows.ts';

const ONE: Pair = [1, 1];
const WORDS = { max: 'The largest value', average: 'The mean' } as const;

/** Pooling whose window is the whole input: one value per channel is left, the spatial axes are gone. */
export const globalMaxPooling1d = globalPoolingLayer('max', 1);
export const globalMaxPooling2d = globalPoolingLayer('max', 2);
export const globalAveragePooling1d = globalPoolingLayer('average', 1);
export const globalAveragePooling2d = globalPoolingLayer('average', 2);

function globalPoolingLayer<Kind extends 'max' | 'average'>(kind: Kind, axes: Axes) {
  return defineLayer({
    type: `global_${kind}_pooling${axes}d`,
    summary: `${WORDS[kind]} of each channel over the whole ${axes === 1 ? 'sequence' : 'image'}.`,
    source: 'https://arxiv.org/abs/1312.4400',
    options: Type.Object({}),
    outputShape: (_options, [input]) => rankFault(axes, input!) ?? [input!.at(-1)!],
    weights: () => [],
    receptive: (_options, [input]) => {
      const kernel = input!.slice(0, -1);
      const ones = kernel.map(() => 1);
      return { kernel, stride: ones, dilation: ones };
    },
    build(graph, _options, [input], _weights, { masks: [mask] }) {
      if (mask && kind === 'average') return meanOfSteps(graph, input!, mask);
      const pooled = graph.apply(`${kind}_pooling`, [input!], { ...wholeOf(input!.shape), strides: ONE, dilation: ONE, output: ONE });
      return graph.apply('reshape', [pooled], { shape: [input!.shape.at(-1)!] });
    },
  });
}

/** Finite, and yet nothing beside a score of 0. */
const NOTHING = -1e9;

/** The mean over the steps that count: their weights are the softmax of equal scores. Where no step counts, the mean over all. */
function meanOfSteps(graph: GraphBuilder, input: Value, mask: Value): Value {
  const [steps, channels] = input.shape as [number, number];
  const equal = graph.apply('affine', [mask], { scale: 0, shift: 0 });
  const scores = graph.apply('reshape', [equal], { shape: [1, steps] });
  const shares = graph.apply('softmax', [graph.apply('mask_scores', [scores, mask], { fill: NOTHING })], {});
  return graph.apply('reshape', [graph.apply('batch_product', [shares, input], {})], { shape: [channels] });
}

function wholeOf(shape: Shape): { window: Pair; before: Pair } {
  const { height, width } = planeOf(shape);
  return { window: [height, width], before: [0, 0] };
}
