import type { Backend } from '../backends/backend.ts';
import { GraphBuilder, type Value } from '../graph/graph.ts';
import { layerOf } from '../layers/index.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import { innerLayerSchema } from '../layers/layer-schema.ts';
import { parseSchema } from '../schema.ts';
import { addLayer, type NetworkWeight, type Tensor } from '../spec/build-graph.ts';
import { runGraph } from './run-graph.ts';
import type { Comparison, Vector, VectorTensor } from './vector.ts';
import { comparison } from './vector.ts';

/** The outputs after the first are the states a recurrent layer returns, in this order. */
const STATES = ['h', 'c'];

/** A layer by itself: outputs, gradients of inputs and weights, and running statistics or returned states. */
export function runLayer(vector: Vector, backend: Backend): Comparison[] {
  const definition = layerOf(vector.spec['type']);
  if (!definition) throw new Error(`There is no layer ${JSON.stringify(vector.spec['type'])}`);
  return runBuilt(vector, definition, backend);
}

/** An activation is what the layer of the same name makes of it. */
export function runActivation(vector: Vector, backend: Backend): Comparison[] {
  const definition = layerOf('activation')!;
  return runBuilt({ ...vector, spec: { type: 'activation', ...vector.spec } }, definition, backend);
}

function runBuilt(vector: Vector, definition: LayerDefinition, backend: Backend): Comparison[] {
  const { value: options, faults } = parseSchema(innerLayerSchema(definition), vector.spec);
  if (faults.length > 0) throw new Error(faults.map(({ pointer, detail }) => `${pointer}: ${detail}`).join(' '));
  const graph = new GraphBuilder(vector.mode === 'infer' ? 'inference' : 'training');
  const { mask: maskTensor, ...inputTensors } = vector.inputs;
  const mask = maskTensor ? inputValue(graph, 'mask', { ...maskTensor, dtype: 'float32' }) : null;
  const inputs = Object.entries(inputTensors).map(([name, tensor], i): [string, Tensor] => {
    return [name, { value: inputValue(graph, name, tensor), mask: i === 0 ? mask : null }];
  });
  const uses = [inputs.map(([, tensor]) => tensor)];
  const { outputs, weights } = addLayer(graph, { definition, options: options as object, name: 'tested', uses, weightsBefore: 0 });
  const named = [...inputs.map(([name, { value }]): [string, Value] => [name, value]), ...weights.map(ownName)];
  return compare(vector, { graph, named, mask, weights, outputs: outputs.map(({ value }) => value) }, backend);
}

interface BuiltCase {
  readonly graph: GraphBuilder;
  /** Inputs and weights by the names of the case. */
  readonly named: readonly [string, Value][];
  readonly mask: Value | null;
  readonly weights: readonly NetworkWeight[];
  readonly outputs: readonly Value[];
}

function compare(vector: Vector, { graph, named, mask, weights, outputs }: BuiltCase, backend: Backend): Comparison[] {
  const { expect, inputs, params = {}, upstream } = vector;
  const tensors = { ...inputs, ...params };
  const [root, ...states] = outputs;
  const batch = Object.values(inputs)[0]!.shape[0]!;
  const statistics = weights.filter(({ trainable }) => !trainable).map(ownName);
  const kept = [...states.map((value, i): [string, Value] => [STATES[i]!, value]), ...statistics];
  const data = new Map(named.map(([name, value]) => [value, numbersOf(tensors[name], name)]));
  if (mask) data.set(mask, numbersOf(inputs['mask'], 'mask'));
  const of = named.filter(([name]) => expect.grad_inputs?.[name] ?? expect.grad_params?.[name]);
  const result = runGraph(
    { graph, data, root: root!, also: kept.map(([, value]) => value), backward: upstream?.data ?? null, of: of.map(([, value]) => value) },
    { backend, batchSize: batch, realBytes: 4 },
  );
  return [
    ...comparison('output', expect.output, result.output, [batch, ...root!.shape]),
    ...of.flatMap(([name], i) =>
      comparison(`gradient of ${name}`, expect.grad_inputs?.[name] ?? expect.grad_params?.[name], result.gradients[i]!),
    ),
    ...Object.entries(expect.state ?? {}).flatMap(([name, tensor]) => {
      const position = kept.findIndex(([other]) => other === name);
      return comparison(`state ${name}`, tensor, result.others[position] ?? []);
    }),
  ];
}

function ownName({ name, value }: NetworkWeight): [string, Value] {
  return [name.slice(name.indexOf('/') + 1), value];
}

function numbersOf(tensor: VectorTensor | undefined, name: string): readonly number[] {
  if (!tensor) throw new Error(`The case has no values for ${name}`);
  return tensor.data;
}

function inputValue(graph: GraphBuilder, label: string, { shape, dtype }: VectorTensor): Value {
  return graph.input(label, shape.slice(1), dtype === 'int32' ? 'int32' : 'real');
}
