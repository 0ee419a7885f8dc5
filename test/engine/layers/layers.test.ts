import { describe, expect, test } from 'vitest';
import { GraphBuilder } from '../../../src/engine/graph/graph.ts';
import { ACTIVATIONS } from '../../../src/engine/layers/activations.ts';
import { LAYERS, type LayerType, layerOf } from '../../../src/engine/layers/index.ts';
import { isFault, type LayerDefinition } from '../../../src/engine/layers/layer.ts';
import { layerSchema } from '../../../src/engine/layers/layer-schema.ts';
import { parseSchema } from '../../../src/engine/schema.ts';
import { addLayer, type Tensor } from '../../../src/engine/spec/build-graph.ts';

function tensor(graph: GraphBuilder, shape: readonly number[], type: 'real' | 'int32' = 'real'): Tensor {
  return { value: graph.input('x', shape, type), mask: null };
}

/** A layer as posted, with its defaults. */
function optionsOf(definition: LayerDefinition, posted: object): object {
  const { value, faults } = parseSchema(layerSchema(definition), { type: definition.type, ...posted });
  expect(faults).toEqual([]);
  if (typeof value !== 'object' || value === null) throw new Error('a layer is an object');
  return value;
}

/** Sizes that do not come out even; the numbers themselves are held to the golden cases. */
const WINDOW_EXAMPLES = {
  conv1d: [
    { options: { filters: 4, kernel_size: 3 }, input: [9, 2], output: [7, 4], weights: { kernel: [3, 2, 4], bias: [4] } },
    {
      options: { filters: 4, kernel_size: 4, strides: 3, padding: 'same', groups: 2, use_bias: false },
      input: [8, 6],
      output: [3, 4],
      weights: { kernel: [4, 3, 4] },
    },
  ],
  conv2d: [
    { options: { filters: 32, kernel_size: 3 }, input: [8, 8, 1], output: [6, 6, 32], weights: { kernel: [3, 3, 1, 32], bias: [32] } },
    {
      options: { filters: 5, kernel_size: [3, 2], strides: [2, 3], dilation_rate: 2 },
      input: [11, 9, 4],
      output: [4, 3, 5],
      weights: { kernel: [3, 2, 4, 5], bias: [5] },
    },
    {
      options: { filters: 2, kernel_size: 5, padding: 'same' },
      input: [3, 1, 1],
      output: [3, 1, 2],
      weights: { kernel: [5, 5, 1, 2], bias: [2] },
    },
  ],
  depthwise_conv2d: [
    {
      options: { kernel_size: 3, depth_multiplier: 2 },
      input: [5, 4, 3],
      output: [3, 2, 6],
      weights: { depthwise_kernel: [3, 3, 3, 2], bias: [6] },
    },
  ],
  separable_conv2d: [
    {
      options: { filters: 7, kernel_size: [2, 3], padding: 'same', depth_multiplier: 2 },
      input: [5, 4, 3],
      output: [5, 4, 7],
      weights: { depthwise_kernel: [2, 3, 3, 2], pointwise_kernel: [1, 1, 6, 7], bias: [7] },
    },
  ],
  conv2d_transpose: [
    {
      options: { filters: 2, kernel_size: 3, strides: 2 },
      input: [4, 3, 5],
      output: [9, 7, 2],
      weights: { kernel: [3, 3, 2, 5], bias: [2] },
    },
    {
      options: { filters: 2, kernel_size: [2, 3], strides: [3, 2], padding: 'same', use_bias: false },
      input: [4, 3, 5],
      output: [12, 6, 2],
      weights: { kernel: [2, 3, 2, 5] },
    },
    {
      options: { filters: 2, kernel_size: 3, strides: 2, dilation_rate: [2, 1] },
      input: [4, 3, 5],
      output: [11, 7, 2],
      weights: { kernel: [3, 3, 2, 5], bias: [2] },
    },
  ],
  max_pooling1d: [{ options: {}, input: [7, 3], output: [3, 3], weights: {} }],
  max_pooling2d: [
    { options: {}, input: [7, 4, 3], output: [3, 2, 3], weights: {} },
    { options: { pool_size: [3, 2], strides: 1, padding: 'same' }, input: [7, 4, 3], output: [7, 4, 3], weights: {} },
  ],
  average_pooling1d: [{ options: { pool_size: 3, strides: 2, padding: 'same' }, input: [7, 3], output: [4, 3], weights: {} }],
  average_pooling2d: [{ options: { pool_size: 2, strides: [1, 3] }, input: [5, 6, 2], output: [4, 2, 2], weights: {} }],
  global_max_pooling1d: [{ options: {}, input: [7, 3], output: [3], weights: {} }],
  global_max_pooling2d: [{ options: {}, input: [7, 2, 3], output: [3], weights: {} }],
  global_average_pooling1d: [{ options: {}, input: [7, 3], output: [3], weights: {} }],
  global_average_pooling2d: [{ options: {}, input: [7, 2, 3], output: [3], weights: {} }],
  batch_normalization: [
    {
      options: {},
      input: [4, 3],
      output: [4, 3],
      weights: { gamma: [3], beta: [3], moving_mean: [3], moving_variance: [3] },
    },
    { options: { scale: false, center: false }, input: [3], output: [3], weights: { moving_mean: [3], moving_variance: [3] } },
  ],
  layer_normalization: [{ options: { center: false }, input: [4, 3], output: [4, 3], weights: { gamma: [3] } }],
  prelu: [
    { options: {}, input: [4, 3], output: [4, 3], weights: { alpha: [4, 3] } },
    { options: { shared_axes: [1, 3] }, input: [4, 3, 2], output: [4, 3, 2], weights: { alpha: [1, 3, 1] } },
  ],
  maxout: [{ options: { units: 2, pieces: 3 }, input: [5, 4], output: [5, 2], weights: { kernel: [4, 6], bias: [6] } }],
  spatial_dropout1d: [{ options: { rate: 0.5 }, input: [4, 2], output: [4, 2], weights: {} }],
  spatial_dropout2d: [{ options: { rate: 0.5 }, input: [4, 3, 2], output: [4, 3, 2], weights: {} }],
  gaussian_noise: [{ options: { stddev: 0.5 }, input: [4, 2], output: [4, 2], weights: {} }],
} satisfies Partial<Record<LayerType, unknown>>;

const projections = (d: number, width: number) => ({
  query_kernel: [d, width],
  query_bias: [width],
  key_kernel: [d, width],
  key_bias: [width],
  value_kernel: [d, width],
  value_bias: [width],
  output_kernel: [width, d],
  output_bias: [d],
});

const STRUCTURE = {
  add: [
    {
      options: {},
      input: [2, 3],
      more: [
        [2, 3],
        [2, 3],
      ],
      output: [2, 3],
      weights: {},
    },
  ],
  subtract: [{ options: {}, input: [3], more: [[3]], output: [3], weights: {} }],
  multiply: [{ options: {}, input: [3], more: [[3]], output: [3], weights: {} }],
  average: [{ options: {}, input: [3], more: [[3], [3]], output: [3], weights: {} }],
  maximum: [{ options: {}, input: [3], more: [[3]], output: [3], weights: {} }],
  concatenate: [
    { options: {}, input: [2, 3], more: [[2, 1]], output: [2, 4], weights: {} },
    { options: { axis: 1 }, input: [2, 3], more: [[5, 3]], output: [7, 3], weights: {} },
  ],
  dot: [
    { options: {}, input: [3], more: [[3]], output: [1], weights: {} },
    { options: { axes: [2, 1] }, input: [4, 3], more: [[3, 5]], output: [4, 5], weights: {} },
    { options: { axes: [1, 2], normalize: true }, input: [3, 2], more: [[5, 3]], output: [2, 5], weights: {} },
  ],
  permute: [{ options: { dims: [3, 1, 2] }, input: [2, 3, 4], output: [4, 2, 3], weights: {} }],
  repeat_vector: [{ options: { n: 4 }, input: [3], output: [4, 3], weights: {} }],
  masking: [{ options: {}, input: [4, 3], output: [4, 3], weights: {} }],
  embedding: [
    { options: { input_dim: 9, output_dim: 3 }, input: [4], type: 'int32' as const, output: [4, 3], weights: { embeddings: [9, 3] } },
  ],
  zero_padding2d: [
    { options: {}, input: [2, 3, 1], output: [4, 5, 1], weights: {} },
    {
      options: {
        padding: [
          [1, 2],
          [0, 1],
        ],
      },
      input: [3, 3, 2],
      output: [6, 4, 2],
      weights: {},
    },
  ],
  cropping2d: [
    {
      options: {
        cropping: [
          [1, 2],
          [0, 1],
        ],
      },
      input: [6, 4, 2],
      output: [3, 3, 2],
      weights: {},
    },
  ],
  up_sampling2d: [{ options: { size: [2, 3] }, input: [2, 3, 1], output: [4, 9, 1], weights: {} }],
  time_distributed: [
    { options: { layer: { type: 'dense', units: 4 } }, input: [5, 3], output: [5, 4], weights: { kernel: [3, 4], bias: [4] } },
    {
      options: { layer: { type: 'conv2d', filters: 2, kernel_size: 3 } },
      input: [5, 6, 6, 1],
      output: [5, 4, 4, 2],
      weights: { kernel: [3, 3, 1, 2], bias: [2] },
    },
  ],
  multi_head_attention: [
    { options: { num_heads: 2, key_dim: 3 }, input: [5, 4], output: [5, 4], weights: projections(4, 6) },
    {
      options: { num_heads: 2, key_dim: 3, use_causal_mask: true, dropout: 0.1 },
      input: [5, 4],
      more: [[7, 4]],
      output: [5, 4],
      weights: projections(4, 6),
    },
  ],
} satisfies Partial<Record<LayerType, readonly Example[]>>;

interface Example {
  readonly options: object;
  readonly input: number[];
  /** Inputs after the first. */
  readonly more?: number[][];
  readonly type?: 'real' | 'int32';
  readonly output: number[];
  readonly weights: Record<string, number[]>;
}

const EXAMPLES: { readonly [T in LayerType]: readonly Example[] } = {
  dense: [
    { options: { units: 4 }, input: [3], output: [4], weights: { kernel: [3, 4], bias: [4] } },
    { options: { units: 4, use_bias: false }, input: [5, 3], output: [5, 4], weights: { kernel: [3, 4] } },
    { options: { units: 2, activation: 'softmax' }, input: [3], output: [2], weights: { kernel: [3, 2], bias: [2] } },
  ],
  activation: Object.keys(ACTIVATIONS).map((activation) => ({ options: { activation }, input: [2, 3], output: [2, 3], weights: {} })),
  dropout: [{ options: { rate: 0.5 }, input: [4, 2], output: [4, 2], weights: {} }],
  ...WINDOW_EXAMPLES,
  simple_rnn: [
    { options: { units: 4 }, input: [6, 3], output: [4], weights: { kernel: [3, 4], recurrent_kernel: [4, 4], bias: [4] } },
    {
      options: { units: 2, use_bias: false, return_sequences: true, dropout: 0.2, recurrent_dropout: 0.3 },
      input: [6, 3],
      output: [6, 2],
      weights: { kernel: [3, 2], recurrent_kernel: [2, 2] },
    },
  ],
  lstm: [
    { options: { units: 4 }, input: [6, 3], output: [4], weights: { kernel: [3, 16], recurrent_kernel: [4, 16], bias: [16] } },
    {
      options: { units: 2, return_sequences: true, go_backwards: true },
      input: [1, 1],
      output: [1, 2],
      weights: { kernel: [1, 8], recurrent_kernel: [2, 8], bias: [8] },
    },
  ],
  gru: [
    { options: { units: 4 }, input: [6, 3], output: [4], weights: { kernel: [3, 12], recurrent_kernel: [4, 12], bias: [2, 12] } },
    {
      options: { units: 4, reset_after: false, recurrent_dropout: 0.3 },
      input: [6, 3],
      output: [4],
      weights: { kernel: [3, 12], recurrent_kernel: [4, 12], bias: [12] },
    },
  ],
  bidirectional: [
    {
      options: { layer: { type: 'lstm', units: 2, return_sequences: true } },
      input: [6, 3],
      output: [6, 4],
      weights: {
        forward_kernel: [3, 8],
        forward_recurrent_kernel: [2, 8],
        forward_bias: [8],
        backward_kernel: [3, 8],
        backward_recurrent_kernel: [2, 8],
        backward_bias: [8],
      },
    },
    {
      options: { layer: { type: 'simple_rnn', units: 2, use_bias: false }, merge_mode: 'mul' },
      input: [6, 3],
      output: [2],
      weights: { forward_kernel: [3, 2], forward_recurrent_kernel: [2, 2], backward_kernel: [3, 2], backward_recurrent_kernel: [2, 2] },
    },
  ],
  ...STRUCTURE,
  flatten: [
    { options: {}, input: [8, 8, 1], output: [64], weights: {} },
    { options: {}, input: [7], output: [7], weights: {} },
  ],
  reshape: [
    { options: { target_shape: [3, 4] }, input: [12], output: [3, 4], weights: {} },
    { options: { target_shape: [2, -1] }, input: [3, 4], output: [2, 6], weights: {} },
  ],
};
const cases = Object.values(LAYERS).flatMap((definition: LayerDefinition) =>
  EXAMPLES[definition.type as LayerType].map(({ type: inputType = 'real', more = [], ...example }: Example) => ({
    definition,
    ...example,
    inputType,
    inputs: [example.input, ...more],
    type: definition.type,
    text: JSON.stringify(example.options),
  })),
);

describe.each(cases)('$type $text', ({ definition, options: posted, inputs, inputType, output, weights }) => {
  const options = optionsOf(definition, posted);

  test('has the stated output shape and weights', () => {
    expect(definition.outputShape(options, inputs)).toEqual(output);
    expect(Object.fromEntries(definition.weights(options, inputs).map(({ name, shape }) => [name, shape]))).toEqual(weights);
  });

  test.each(['training', 'inference'] as const)('builds a graph of that shape for %s', (mode) => {
    const graph = new GraphBuilder(mode);
    const added = addLayer(graph, {
      definition,
      options,
      name: 'layer',
      uses: [inputs.map((shape) => tensor(graph, shape, inputType))],
      weightsBefore: 0,
    });
    expect(added.outputs[0]?.value.shape).toEqual(output);
    expect(added.weights.map((weight) => weight.name)).toEqual(Object.keys(weights).map((name) => `layer/${name}`));
  });
});

test('dropout is an op in training only, and never at rate 0', () => {
  const ops = (mode: 'training' | 'inference', rate: number): string[] => {
    const graph = new GraphBuilder(mode);
    addLayer(graph, { definition: LAYERS.dropout, options: { rate }, name: 'd', uses: [[tensor(graph, [3])]], weightsBefore: 0 });
    return graph.nodes.map((node) => node.op);
  };
  expect(ops('training', 0.5)).toEqual(['dropout']);
  expect(ops('training', 0)).toEqual([]);
  expect(ops('inference', 0.5)).toEqual([]);
});

test('two dropout layers draw from different streams', () => {
  const graph = new GraphBuilder('training');
  let value = tensor(graph, [3]);
  for (const name of ['a', 'b'])
    value = addLayer(graph, { definition: LAYERS.dropout, options: { rate: 0.5 }, name, uses: [[value]], weightsBefore: 0 }).outputs[0]!;
  const streams = graph.nodes.map((node) => (node.op === 'dropout' ? node.attributes.stream : null));
  expect(new Set(streams).size).toBe(2);
});

test('an activation keeps its own options', () => {
  const graph = new GraphBuilder('inference');
  const options = optionsOf(LAYERS.activation, { activation: 'leaky_relu', negative_slope: 0.1 });
  addLayer(graph, { definition: LAYERS.activation, options, name: 'a', uses: [[tensor(graph, [3])]], weightsBefore: 0 });
  expect(graph.nodes).toMatchObject([{ op: 'leaky_relu', attributes: { negative_slope: 0.1 } }]);
  const foreign = parseSchema(layerSchema(LAYERS.activation), { type: 'activation', activation: 'relu', negative_slope: 0.1 });
  expect(foreign.faults).toMatchObject([{ pointer: '/negative_slope', code: 'unknown_field' }]);
});

test.each([[[5, 2]], [[-1, -1]], [[5, -1]], [[0, 12]]])('reshape of 12 values to %j is a fault', (target_shape) => {
  const result = LAYERS.reshape.outputShape({ target_shape }, [[12]]);
  expect(isFault(result) && result.code).toBe('shape_mismatch');
});

test.each(['__proto__', 'constructor', 'Dense', '', 3, null])('%j is no layer', (type) => {
  expect(layerOf(type)).toBeUndefined();
});
