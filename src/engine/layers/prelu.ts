import Type from 'typebox';
import { initializerOption } from '../initializers/index.ts';
import { formatShape } from '../shape.ts';
import { defineLayer, passMask } from './layer.ts';
import { permuted } from './permuted.ts';
import { regularizerOption } from './regularizer.ts';

/** z for z > 0, else alpha z, with an alpha for every element of a row, or for all elements along `shared_axes`, where its size is 1. */
export const prelu = defineLayer({
  type: 'prelu',
  summary: 'Leaky relu whose slope for negative values is learned, element by element.',
  source: 'https://arxiv.org/abs/1502.01852',
  options: Type.Object({
    alpha_initializer: initializerOption('zeros', 'First values of alpha.'),
    alpha_regularizer: regularizerOption('Penalty on alpha.'),
    shared_axes: Type.Array(Type.Integer({ minimum: 1 }), {
      default: [],
      uniqueItems: true,
      description: 'Axes along which one slope serves all elements, counted from 1: [1, 2] for a slope per channel of an image.',
    }),
  }),
  outputShape({ shared_axes }, [input]) {
    const beyond = shared_axes.findIndex((axis) => axis > input!.length);
    if (beyond < 0) return input!;
    return {
      pointer: `/shared_axes/${beyond}`,
      code: 'shape_mismatch',
      detail: `An input ${formatShape(input!)} has the axes 1 to ${input!.length} besides the batch, but no axis ${shared_axes[beyond]}.`,
      expected: { max: input!.length },
      received: shared_axes[beyond],
    };
  },
  weights: ({ alpha_initializer: initializer, alpha_regularizer: regularizer, shared_axes }, [input]) => [
    { name: 'alpha', shape: input!.map((size, i) => (shared_axes.includes(i + 1) ? 1 : size)), initializer, regularizer, trainable: true },
  ],
  build(graph, { shared_axes }, [input], { alpha }) {
    // With the shared axes in front, every row of the rest has the same slopes.
    const axes = input!.shape.map((_, axis) => axis);
    const isShared = (axis: number): boolean => shared_axes.includes(axis + 1);
    const order = [...axes.filter(isShared), ...axes.filter((axis) => !isShared(axis))];
    const value = graph.apply('prelu', [permuted(graph, input!, order), alpha!], {});
    return permuted(
      graph,
      value,
      axes.map((axis) => order.indexOf(axis)),
    );
  },
  outputMask: passMask,
});
