import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { InitializerName } from '../initializers/index.ts';
import { layerOf } from '../layers/index.ts';
import type { LayerDefinition } from '../layers/layer.ts';
import type { Regularizer } from '../layers/regularizer.ts';
import { STREAMS } from '../random.ts';
import type { Shape } from '../shape.ts';
import type { InputSpec, LayerSpec, ModelSpec } from './model-spec.ts';
import type { Source, Wiring } from './wiring.ts';
import { wireLayers } from './wiring.ts';

/** A weight of a network: where it stands in the graph and how it starts. */
export interface NetworkWeight {
  /** `<layer name>/<weight name>`. */
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: InitializerName;
  /** Elements that start at 1 instead. */
  readonly ones?: { readonly from: number; readonly to: number };
  /** Stream of its first values. */
  readonly stream: number;
  /** False for running statistics and frozen layers, whose values have the role `state`. */
  readonly trainable: boolean;
  readonly regularizer: Regularizer | null;
  readonly value: Value;
}

/** An input or output of a network. The only input of a sequential spec is called `x`. */
export interface NetworkTensor {
  readonly name: string;
  readonly value: Value;
}

/** A network as ops in a graph. */
export interface Network {
  readonly inputs: readonly NetworkTensor[];
  /** Outputs are called by the layer they come from. */
  readonly outputs: readonly NetworkTensor[];
  /** In the order the layers run, which is that of the spec where it can be, and in a layer by definition. */
  readonly weights: readonly NetworkWeight[];
}

/** A tensor between layers. */
export interface Tensor {
  readonly value: Value;
  /** [time] per row: 1 for steps that count, 0 for those that do not. Null: all count. */
  readonly mask: Value | null;
}

interface LayerHead {
  readonly definition: LayerDefinition;
  readonly options: object;
  readonly name: string;
}

/** A layer's weights in the graph: one list in order, and by their own names for the layer. */
interface LayerWeights {
  readonly weights: readonly NetworkWeight[];
  readonly byName: Readonly<Record<string, Value>>;
}

/** Emits the ops of a checked, normalised spec (`SpecReport.spec`) into a graph whose mode says whether dropout is active. */
export function buildNetwork(spec: ModelSpec, graph: GraphBuilder): Network {
  const inputs = inputsOf(spec).map(({ name, shape, dtype }) => ({
    name,
    value: addInput(graph, { name, shape, ...(dtype && { dtype }) }),
  }));
  const wiring = wireSpec(spec);
  const weights: NetworkWeight[] = [];
  const made: (readonly Tensor[])[] = [];
  const tensorOf = ({ from, index, output }: Source): Tensor => {
    const tensor = from === 'input' ? { value: inputs[index]!.value, mask: null } : made[index]?.[output];
    if (!tensor) throw new Error(`The spec uses an output that is not there: it was not checked.`);
    return tensor;
  };
  for (const index of wiring.order) {
    const head = headOf(spec.layers[index]!);
    const uses = wiring.uses[index]!.map((sources) => sources.map((source) => tensorOf(source!)));
    const added = addLayer(graph, { ...head, uses, weightsBefore: weights.length });
    weights.push(...added.weights);
    made[index] = added.outputs;
  }
  const outputs = wiring.outputs.map((source) => ({ name: outputName(spec, source!), value: tensorOf(source!).value }));
  return { inputs, outputs, weights };
}

/** Inputs of both forms. */
function inputsOf({ input_shape, input_dtype, inputs }: ModelSpec): readonly InputSpec[] {
  if (inputs) return inputs;
  if (!input_shape) throw new Error('A network is built from a spec with its input_shape.');
  return [{ name: 'x', shape: input_shape, ...(input_dtype && { dtype: input_dtype }) }];
}

export function addInput(graph: GraphBuilder, { name, shape, dtype }: InputSpec): Value {
  return graph.input(name, shape, dtype === 'int32' ? 'int32' : 'real');
}

function wireSpec({ inputs, layers, outputs }: ModelSpec): Wiring {
  const wiring = wireLayers({
    inputNames: inputs?.map(({ name }) => name) ?? null,
    layers: layers.map(({ name, inbound }) => ({ name: name ?? '', inbound: inbound ?? null })),
    outputs: outputs ?? null,
  });
  const [fault] = wiring.faults;
  if (fault) throw new Error(`The spec was not checked: ${fault.detail}`);
  return wiring;
}

function headOf(layer: LayerSpec): LayerHead {
  const definition = layerOf(layer.type);
  if (!definition || layer.name === undefined) throw new Error(`Layer ${layer.name ?? layer.type} is not a checked one.`);
  return { definition, options: layer, name: layer.name };
}

function outputName({ layers, inputs }: ModelSpec, { from, index, output }: Source): string {
  const name = (from === 'layer' ? layers[index] : inputs?.[index])?.name ?? 'x';
  return output === 0 ? name : `${name}:${output}`;
}

interface LayerToAdd extends LayerHead {
  /** The inputs of each use; a shared layer has several, all with the same weights. */
  readonly uses: readonly (readonly Tensor[])[];
  /** Weights of the network before this layer. */
  readonly weightsBefore: number;
}

/** Emits one layer. Its outputs are those of the first use, then those of the second, … */
export function addLayer(graph: GraphBuilder, { uses, weightsBefore, ...head }: LayerToAdd) {
  const layerWeights = addWeights(graph, head, uses[0]!, weightsBefore);
  const outputs = uses.flatMap((inputs) => useLayer(graph, head, inputs, layerWeights));
  return { outputs, weights: layerWeights.weights };
}

function addWeights(graph: GraphBuilder, head: LayerHead, inputs: readonly Tensor[], weightsBefore: number): LayerWeights {
  const { definition, options, name } = head;
  const definitions = definition.weights(
    options,
    inputs.map(({ value }) => value.shape),
  );
  const weights = definitions.map(({ name: own, regularizer, ...weight }, i): NetworkWeight => {
    const label = `${name}/${own}`;
    const trainable = weight.trainable && isTrainable(head);
    const value = trainable ? graph.parameter(label, weight.shape) : graph.state(label, weight.shape);
    return { ...weight, trainable, regularizer: regularizer ?? null, name: label, stream: STREAMS.init + weightsBefore + i, value };
  });
  return { weights, byName: Object.fromEntries(definitions.map(({ name: own }, i) => [own, weights[i]!.value])) };
}

function useLayer(graph: GraphBuilder, head: LayerHead, inputs: readonly Tensor[], { byName }: LayerWeights): Tensor[] {
  const { definition, options, name } = head;
  const values = inputs.map(({ value }) => value);
  const masks = inputs.map(({ mask }) => mask);
  graph.layer = name;
  const built = definition.build(graph, options, values, byName, { masks, trainable: isTrainable(head) });
  const mask = definition.outputMask?.(graph, options, values, masks) ?? null;
  return [built].flat().map((value, i) => ({ value, mask: i === 0 ? mask : null }));
}

function isTrainable({ options }: LayerHead): boolean {
  return !('trainable' in options && options.trainable === false);
}
