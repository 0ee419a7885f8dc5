import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { InitializerName } from '../initializers/index.ts';
import { layerOf } from '../layers/index.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import { STREAMS } from '../random.ts';
import type { Shape } from '../shape.ts';
import type { ModelSpec } from './model-spec.ts';

/** A weight of a network: where it stands in the graph and how it starts. */
export interface NetworkWeight {
  /** `<layer name>/<weight name>`. */
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: InitializerName;
  /** Stream of its first values. */
  readonly stream: number;
  /** False for running statistics, whose value has the role `state`. */
  readonly trainable: boolean;
  readonly value: Value;
}

/** A network as ops in a graph. */
export interface Network {
  readonly input: Value;
  readonly output: Value;
  /** In spec order: by layer, and in a layer by definition. */
  readonly weights: readonly NetworkWeight[];
}

interface LayerToAdd {
  readonly definition: LayerDefinition;
  readonly options: object;
  readonly name: string;
  readonly input: Value;
  /** Weights of the network before this layer. */
  readonly weightsBefore: number;
}

/** Emits the ops of a checked, normalised spec (`SpecReport.spec`) into a graph whose mode says whether dropout is active. */
export function buildNetwork(spec: ModelSpec, graph: GraphBuilder): Network {
  if (!spec.input_shape) throw new Error('A network is built from a spec with its input_shape.');
  const input = graph.input('input', spec.input_shape);
  const weights: NetworkWeight[] = [];
  let output = input;
  for (const layer of spec.layers) {
    const definition = layerOf(layer.type);
    if (!definition || layer.name === undefined) throw new Error(`Layer ${layer.name ?? layer.type} is not a checked one.`);
    const added = addLayer(graph, { definition, options: layer, name: layer.name, input: output, weightsBefore: weights.length });
    weights.push(...added.weights);
    output = added.output;
  }
  return { input, output, weights };
}

/** Emits one layer on top of `input`. */
export function addLayer(graph: GraphBuilder, { definition, options, name, input, weightsBefore }: LayerToAdd) {
  graph.layer = name;
  const weights = definition.weights(options, [input.shape]).map(({ name: own, ...weight }, i): NetworkWeight & { own: string } => {
    const label = `${name}/${own}`;
    const value = weight.trainable ? graph.parameter(label, weight.shape) : graph.state(label, weight.shape);
    return { ...weight, own, name: label, stream: STREAMS.init + weightsBefore + i, value };
  });
  const byName = Object.fromEntries(weights.map(({ own, value }) => [own, value]));
  const output = definition.build(graph, options, [input], byName);
  return { output, weights: weights.map(({ own: _own, ...weight }) => weight) };
}
