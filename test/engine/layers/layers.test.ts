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

const EXAMPLES: { readonly [T in LayerType]: { options: object; input: number[]; output: number[]; weights: Record<string, number[]> }[] } =
  {
    dense: [
      { options: { units: 4 }, input: [3], output: [4], weights: { kernel: [3, 4], bias: [4] } },
      { options: { units: 4, use_bias: false }, input: [5, 3], output: [5, 4], weights: { kernel: [3, 4] } },
      { options: { units: 2, activation: 'softmax' }, input: [3], output: [2], weights: { kernel: [3, 2], bias: [2] } },
    ],
    activation: Object.keys(ACTIVATIONS).map((activation) => ({ options: { activation }, input: [2, 3], output: [2, 3], weights: {} })),
    dropout: [{ options: { rate: 0.5 }, input: [4, 2], output: [4, 2], weights: {} }],
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
  EXAMPLES[definition.type as LayerType].map((example) => ({
    definition,
    ...example,
    type: definition.type,
    text: JSON.stringify(example.options),
  })),
);

describe.each(cases)('$type $text', ({ definition, options: posted, input, output, weights }) => {
  const options = optionsOf(definition, posted);

  test('has the stated output shape and weights', () => {
    expect(definition.outputShape(options, [input])).toEqual(output);
    expect(Object.fromEntries(definition.weights(options, [input]).map(({ name, shape }) => [name, shape]))).toEqual(weights);
  });

  test.each(['training', 'inference'] as const)('builds a graph of that shape for %s', (mode) => {
    const graph = new GraphBuilder(mode);
    const added = addLayer(graph, { definition, options, name: 'layer', uses: [[tensor(graph, input)]], weightsBefore: 0 });
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
