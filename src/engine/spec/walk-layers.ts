import type { Fault } from '../faults.ts';
import { faultsBelow } from '../faults.ts';
import { GraphBuilder } from '../graph/graph.ts';
import type { Node } from '../graph/value.ts';
import type { WeightDefinition } from '../layers/layer.ts';
import { isFault } from '../layers/layer.ts';
import { nodeFlops } from '../ops/calls.ts';
import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import { addInput, addLayer, type Tensor } from './build-graph.ts';
import type { CheckedLayer, KnownLayer } from './check-layer.ts';
import { type SizeTally, tallyLayer } from './check-limits.ts';
import { useFaults } from './check-uses.ts';
import type { InputSpec, LayerReport, SpecLimits } from './model-spec.ts';
import type { Source, Wiring } from './wiring.ts';

/** A layer with everything that could be worked out about it. */
export interface WalkedLayer extends CheckedLayer {
  readonly index: number;
  readonly resolvedName: string;
  /** Of the first use; null where an earlier fault leaves the shape unknown. */
  readonly inputShapes: readonly (Shape | null)[];
  readonly inputShape: Shape | null;
  readonly outputShape: Shape | null;
  readonly weights: readonly WeightDefinition[];
  readonly report: LayerReport | null;
  /** Whether a mask reaches it that it neither heeds nor passes on. */
  readonly losesMask: boolean;
}

export interface Walk {
  /** In the order of the spec. */
  readonly layers: readonly WalkedLayer[];
  readonly faults: readonly Fault[];
  readonly totalParams: number;
  /** Shapes of the outputs of the network, as far as they are known. */
  readonly outputShapes: readonly (Shape | null)[];
}

export interface WalkRequest {
  readonly layers: readonly CheckedLayer[];
  readonly names: readonly string[];
  /** Null where the shape is not known. */
  readonly inputs: readonly (InputSpec | null)[];
  readonly wiring: Wiring;
  readonly limits: SpecLimits;
}

/** What the walk has so far. */
interface Progress {
  readonly request: WalkRequest;
  readonly graph: GraphBuilder;
  readonly inputs: readonly (Tensor | null)[];
  /** Outputs of each layer that could be made out. */
  readonly made: (readonly Tensor[] | undefined)[];
  readonly walked: WalkedLayer[];
  readonly faults: Fault[];
  tally: SizeTally;
}

/**
 * Carries shapes from layer to layer, as far as they are known, and counts weights and operations. Only shapes are computed:
 * whatever sizes a spec asks for, nothing is allocated; a layer that passes a limit ends its branch of the walk.
 */
export function walkLayers(request: WalkRequest): Walk {
  const { layers, names, inputs, wiring } = request;
  const graph = new GraphBuilder('inference');
  const progress: Progress = {
    request,
    graph,
    inputs: inputs.map((input) => input && { value: addInput(graph, input), mask: null }),
    made: [],
    walked: layers.map((layer, index) => {
      const rest = { inputShapes: [], inputShape: null, outputShape: null, weights: [], report: null, losesMask: false };
      return { ...layer, index, resolvedName: names[index]!, ...rest };
    }),
    faults: [],
    tally: { params: 0, weights: 0 },
  };
  for (const index of wiring.order) walkLayer(progress, index);
  const outputShapes = wiring.outputs.map((source) => (source ? (tensorOf(progress, source)?.value.shape ?? null) : null));
  return {
    layers: progress.walked,
    faults: progress.faults,
    totalParams: progress.tally.params,
    outputShapes,
  };
}

function walkLayer(progress: Progress, index: number): void {
  const { walked, request, faults } = progress;
  const layer = walked[index]!;
  const sources = request.wiring.uses[index] ?? [];
  const uses = sources.map((use) => use.map((source) => source && tensorOf(progress, source)));
  const shapes = (uses[0] ?? []).map((tensor) => tensor?.value.shape ?? null);
  const seen = { ...layer, inputShapes: shapes, inputShape: shapes[0] ?? null };
  walked[index] = seen;
  const complete = uses.filter((use): use is Tensor[] => use.every((tensor) => tensor !== null));
  if (!layer.known || complete.length < uses.length || uses.length === 0) return;
  const fitting = useFaults({ layer, known: layer.known, uses: complete });
  if (fitting.length > 0) faults.push(...faultsBelow(layer.pointer, fitting).map((fault) => withDtype(fault, sources[0]?.[0])));
  else walked[index] = measureLayer(progress, seen, layer.known, complete);
}

function measureLayer(progress: Progress, layer: WalkedLayer, { definition, options }: KnownLayer, uses: readonly Tensor[][]): WalkedLayer {
  const { graph, request, faults, made, tally } = progress;
  const shapes = uses[0]!.map(({ value }) => value.shape);
  const outputShape = definition.outputShape(options, shapes);
  if (isFault(outputShape)) {
    faults.push(missingSequence(progress, layer) ?? faultsBelow(layer.pointer, [outputShape])[0]!);
    return layer;
  }
  const weights = definition.weights(options, shapes);
  const sized = tallyLayer(tally, { pointer: layer.pointer, weights, outputShape, limits: request.limits });
  if (sized.fault) {
    faults.push(sized.fault);
    return { ...layer, outputShape, weights };
  }
  const firstNode = graph.nodes.length;
  const name = layer.resolvedName;
  made[layer.index] = addLayer(graph, { definition, options, name, uses, weightsBefore: tally.weights }).outputs;
  progress.tally = sized.tally;
  const report = {
    name,
    type: definition.type,
    output_shape: outputShape,
    params: weights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0),
    flops: graph.nodes.slice(firstNode).reduce((sum, node) => sum + nodeFlops(node), 0),
    receptive_field: null,
  };
  const losesMask = isMaskLost(uses.flat(), graph.nodes.slice(firstNode), made[layer.index] ?? []);
  return { ...layer, outputShape, weights, report, losesMask };
}

function isMaskLost(inputs: readonly Tensor[], nodes: readonly Node[], outputs: readonly Tensor[]): boolean {
  const masks = new Set(inputs.flatMap(({ mask }) => mask ?? []));
  if (masks.size === 0 || outputs.some(({ mask }) => mask !== null)) return false;
  return !nodes.some((node) => node.inputs.some((value) => masks.has(value)));
}

/** An input of the network can be given the dtype its layer needs. */
function withDtype(fault: Fault, source: Source | null | undefined): Fault {
  if (fault.code !== 'dtype_mismatch' || source?.from !== 'input') return fault;
  const path = source.pointer === '/input_shape' ? '/input_dtype' : `/inputs/${source.index}/dtype`;
  return { ...fault, suggestion: [{ op: 'add', path, value: fault.expected }] };
}

/** A layer that cannot take a single vector, behind a recurrent layer that could have given all steps. */
function missingSequence({ request, walked }: Progress, layer: WalkedLayer): Fault | null {
  const source = request.wiring.uses[layer.index]?.[0]?.[0];
  const before = source?.from === 'layer' ? walked[source.index] : undefined;
  if (before?.known?.options['return_sequences'] !== false || layer.inputShape?.length !== 1) return null;
  const path = `${before.pointer}/return_sequences`;
  return {
    pointer: path,
    code: 'missing_return_sequences',
    detail: `${layer.resolvedName} needs every step of a sequence, but ${before.resolvedName} gives one vector per row.`,
    expected: true,
    received: false,
    suggestion: [{ op: 'add', path, value: true }],
  };
}

function tensorOf({ inputs, made, faults }: Progress, source: Source): Tensor | null {
  if (source.from === 'input') return inputs[source.index] ?? null;
  const outputs = made[source.index];
  if (!outputs) return null;
  const tensor = outputs[source.output];
  if (!tensor) faults.push(noSuchOutput(source, outputs.length));
  return tensor ?? null;
}

function noSuchOutput({ pointer, output }: Source, count: number): Fault {
  const detail = `The layer has ${count} output${count === 1 ? '' : 's'}, so there is no output ${output}.`;
  return { pointer, code: 'unknown_reference', detail, expected: count, received: output };
}
