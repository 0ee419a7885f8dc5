import { GraphBuilder, type Mode, type Node, type Value } from '../graph/graph.ts';
import { liveNodes } from '../graph/live-nodes.ts';
import type { LossName } from '../losses/index.ts';
import { lossOf, lossOptions } from '../losses/index.ts';
import type { BuiltLoss } from '../losses/loss.ts';
import type { MetricName } from '../metrics/index.ts';
import { metricOf, metricOptions } from '../metrics/index.ts';
import { loss as lossMetric } from '../metrics/loss.ts';
import type { Evaluated, MetricDefinition } from '../metrics/metric.ts';
import { forwardCalls, nodeFlops } from '../ops/calls.ts';
import type { Call } from '../ops/op.ts';
import { fixed, perRow } from '../ops/op.ts';
import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import type { Network, NetworkTensor } from '../spec/build-graph.ts';
import { buildNetwork } from '../spec/build-graph.ts';
import type { ModelSpec } from '../spec/model-spec.ts';

/** What one output of the network is trained on. */
export interface OutputRequest {
  readonly loss: LossName;
  /** Options of the loss; those left out have their defaults. */
  readonly lossOptions?: object;
  readonly metrics: readonly MetricRequest[];
  /** What the target feed holds: class indices or real numbers. */
  readonly target: 'classes' | 'numbers';
  /** Factor of its loss in the sum; default 1. */
  readonly weight?: number;
  /** Shape of a row's weights, when a feed brings some: [] for one per row, or leading axes of the output. */
  readonly sampleWeights?: Shape;
}

export interface MetricRequest {
  readonly name: MetricName;
  /** Options that differ from their defaults. */
  readonly options?: object;
}

/** A metric with all its options. */
export interface ChosenMetric {
  readonly metric: MetricDefinition;
  readonly options: Readonly<Record<string, unknown>>;
}

/** An output with its loss in the graph. */
export interface TrainedOutput {
  readonly name: string;
  readonly request: OutputRequest;
  readonly weight: number;
  readonly built: BuiltLoss;
  readonly evaluated: Evaluated;
  readonly sampleWeight: Value | null;
  /** `loss` first. */
  readonly metrics: readonly ChosenMetric[];
}

/** Training or evaluation up to the losses. */
export interface Side {
  readonly graph: GraphBuilder;
  readonly network: Network;
  readonly outputs: readonly TrainedOutput[];
  readonly nodes: readonly Node[];
  /** Reading of the batch and the forward pass. */
  readonly calls: readonly Call[];
  readonly flops: number;
}

/** Feeds of a step in order: the inputs of the network, one target per output, weights of the outputs that have some. */
function targetFeed(network: Pick<Network, 'inputs'>, output: number): number {
  return network.inputs.length + output;
}

export function buildSide(spec: ModelSpec, requests: readonly OutputRequest[], mode: Mode): Side {
  const graph = new GraphBuilder(mode);
  const network = buildNetwork(spec, graph);
  if (network.outputs.length !== requests.length) {
    throw new Error(`The network has ${network.outputs.length} outputs, ${requests.length} are trained`);
  }
  const trained = network.outputs.map((output, i) => addLoss(graph, output, requests[i]!));
  const nodes = liveNodes(
    graph,
    trained.flatMap(({ built }) => [built.perVector, built.prediction]),
  );
  const inputs = network.inputs.map(({ value }, i) => gatherCall(value, i, 'gather'));
  const targets = trained.map(({ evaluated: { target }, request }, i) => {
    const asReal = request.target === 'classes' && target.type === 'real';
    return gatherCall(target, targetFeed(network, i), asReal ? 'gather_as_real' : 'gather');
  });
  const weights = trained
    .flatMap(({ sampleWeight }) => sampleWeight ?? [])
    .map((weight, i) => gatherCall(weight, targetFeed(network, trained.length) + i, 'gather'));
  return {
    graph,
    network,
    outputs: trained,
    nodes,
    calls: [...inputs, ...targets, ...weights, ...nodes.flatMap((node) => forwardCalls(node))],
    flops: nodes.reduce((sum, node) => sum + nodeFlops(node), 0),
  };
}

function addLoss(graph: GraphBuilder, { name, value: output }: NetworkTensor, request: OutputRequest): TrainedOutput {
  const definition = lossOf(request.loss);
  const type = request.target === 'classes' ? definition.classTarget : 'real';
  const target = graph.input(`target of ${name}`, type === 'int32' ? output.shape.slice(0, -1) : output.shape, type);
  const sampleWeight = request.sampleWeights ? graph.input(`weight of ${name}`, request.sampleWeights) : null;
  graph.layer = request.loss;
  const built = definition.build(graph, { output, target, weight: sampleWeight }, lossOptions(request.loss, request.lossOptions));
  return {
    name,
    request,
    weight: request.weight ?? 1,
    built,
    evaluated: { prediction: built.prediction, target, loss: built.perVector },
    sampleWeight,
    metrics: [
      { metric: lossMetric, options: {} },
      ...request.metrics.map(({ name, options }) => ({ metric: metricOf(name), options: metricOptions(name, options) })),
    ],
  };
}

/** Fills an input with the rows of the batch. */
export function gatherCall(input: Value, feed: number, kernel: 'gather' | 'gather_as_real'): Call {
  return { kernel, buffers: [input], dims: [perRow(1), fixed(sizeOf(input.shape))], scalars: [feed], writes: [0], layer: input.label };
}
