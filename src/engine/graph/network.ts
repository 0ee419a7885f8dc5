import { LAYERS } from '../layers/index.ts';
import type { LayerDefinition, WeightDefinition } from '../layers/layer.ts';
import type { Shape } from '../shape.ts';
import type { LayerSpec, ModelSpec } from '../spec/model-spec.ts';
import type { Mode, Value } from './graph.ts';
import { GraphBuilder } from './graph.ts';

/** A weight of the network under its full name. */
export interface NetworkWeight extends Omit<WeightDefinition, 'name'> {
  /** `<layer name>/<weight name>` */
  readonly name: string;
  readonly value: Value;
}

/** A spec as a graph. */
export interface Network {
  readonly graph: GraphBuilder;
  readonly input: Value;
  readonly output: Value;
  /** In spec order. */
  readonly weights: readonly NetworkWeight[];
}

/** Walks the layers of a checked spec (defaults filled in) and lets each emit its ops. */
export function buildNetwork(spec: ModelSpec, mode: Mode): Network {
  const graph = new GraphBuilder(mode);
  const input = graph.input(...inputOf(spec));
  const named = new Map<string, Value>([[input.label, input]]);
  const weights: NetworkWeight[] = [];
  let output = input;
  for (const layer of spec.layers) {
    const inbound = layer.inbound?.map((name) => named.get(name)!) ?? [output];
    output = buildLayer(graph, layer, inbound, weights);
    named.set(nameOf(layer), output);
  }
  return { graph, input, output: named.get(spec.outputs?.[0] ?? '') ?? output, weights };
}

function buildLayer(graph: GraphBuilder, layer: LayerSpec, inputs: readonly Value[], weights: NetworkWeight[]): Value {
  const definition = layerDefinition(layer.type);
  const name = nameOf(layer);
  graph.layer = name;
  const shapes = inputs.map((value) => value.shape);
  const own: Record<string, Value> = {};
  for (const weight of definition.weights(layer, shapes)) {
    const fullName = `${name}/${weight.name}`;
    const value = weight.trainable ? graph.parameter(fullName, weight.shape) : graph.state(fullName, weight.shape);
    own[weight.name] = value;
    weights.push({ ...weight, name: fullName, value });
  }
  return definition.build(graph, layer, inputs, own);
}

function layerDefinition(type: string): LayerDefinition {
  const definition = Object.entries<LayerDefinition>(LAYERS).find(([name]) => name === type)?.[1];
  if (!definition) throw new Error(`There is no layer ${type}: the spec was not checked`);
  return definition;
}

function nameOf(layer: LayerSpec): string {
  if (layer.name === undefined) throw new Error(`A layer ${layer.type} has no name: the spec was not checked`);
  return layer.name;
}

function inputOf(spec: ModelSpec): [label: string, shape: Shape, type: 'real' | 'int32'] {
  const [input] = spec.inputs ?? [];
  if (input) return [input.name, input.shape, input.dtype === 'int32' ? 'int32' : 'real'];
  if (spec.input_shape) return ['input', spec.input_shape, 'real'];
  throw new Error('The spec has no input shape: it was not checked');
}
