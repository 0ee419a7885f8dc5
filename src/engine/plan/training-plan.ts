import type { BufferRef, Program } from '../backends/backend.ts';
import { differentiate } from '../graph/differentiate.ts';
import type { Value } from '../graph/graph.ts';
import { GraphBuilder } from '../graph/graph.ts';
import { liveNodes } from '../graph/live-nodes.ts';
import type { LossName } from '../losses/index.ts';
import { LOSSES } from '../losses/index.ts';
import type { BuiltLoss } from '../losses/loss.ts';
import type { MetricName } from '../metrics/index.ts';
import { METRICS } from '../metrics/index.ts';
import { loss as lossMetric } from '../metrics/loss.ts';
import type { Evaluated, MetricDefinition } from '../metrics/metric.ts';
import { forwardCalls, nodeFlops, stateUpdateCalls } from '../ops/calls.ts';
import type { Call } from '../ops/op.ts';
import { fixed, perRow } from '../ops/op.ts';
import type { UpdateCall } from '../optimizers/optimizer.ts';
import { sizeOf } from '../shape.ts';
import type { Network, NetworkWeight } from '../spec/build-graph.ts';
import { buildNetwork } from '../spec/build-graph.ts';
import type { ModelSpec } from '../spec/model-spec.ts';
import { alignUp, bufferRef, placeValues } from './placement.ts';
import { assembleProgram } from './program.ts';
import type { Block, WeightsLayout } from './weights-layout.ts';
import { layOutWeights } from './weights-layout.ts';

export interface TrainingPlanRequest {
  readonly spec: ModelSpec;
  readonly loss: LossName;
  readonly metrics: readonly MetricName[];
  readonly update: UpdateCall & { readonly slots: number };
  /** What the target feed holds: class indices or real numbers. */
  readonly target: 'classes' | 'numbers';
  readonly batchSize: number;
  readonly evaluationBatchSize: number;
  readonly realBytes: 4 | 8;
}

/** A metric and the accumulator in which a program leaves it. */
export interface PlacedMetric {
  readonly metric: MetricDefinition;
  readonly accumulator: BufferRef;
}

/** Everything a job needs to run: two programs over one arena, which nobody has allocated yet. */
export interface TrainingPlan {
  readonly training: Program;
  readonly evaluation: Program;
  readonly weights: readonly NetworkWeight[];
  readonly layout: WeightsLayout;
  /** All accumulators: filled with 0 before an epoch, read after it. */
  readonly accumulators: Block;
  /** `loss` first. */
  readonly metrics: readonly PlacedMetric[];
  readonly arenaBytes: number;
  /** Floating-point operations of one training step per row, and of one evaluation per row. */
  readonly flopsPerRow: { readonly training: number; readonly evaluation: number };
}

/** Position of the feeds in `RunRequest.feeds`. */
export const FEEDS = { features: 0, targets: 1 } as const;

export function planTraining(request: TrainingPlanRequest): TrainingPlan {
  const training = buildSide(request, 'training');
  const evaluation = buildSide(request, 'inference');
  const layout = layOutWeights(training.network.weights, { realBytes: request.realBytes, slots: request.update.slots });
  const metrics = placeMetrics(training, layout.to);
  const accumulators = { byteOffset: layout.to, bytes: metrics.at(-1)!.to - layout.to };
  const derivative = derivativeCalls(request, training, layout);

  const shared = { layout, metrics, from: layout.to + accumulators.bytes, realBytes: request.realBytes };
  const trainingCalls = [...training.calls, ...accumulateCalls(training, metrics), ...derivative.calls];
  const evaluationCalls = [...evaluation.calls, ...accumulateCalls(evaluation, metrics)];
  const placedTraining = placeSide(training, trainingCalls, { ...shared, batchSize: request.batchSize, homes: derivative.homes });
  const placedEvaluation = placeSide(evaluation, evaluationCalls, { ...shared, batchSize: request.evaluationBatchSize, homes: [] });
  const arenaBytes = Math.max(placedTraining.to, placedEvaluation.to);
  return {
    training: assembleProgram(trainingCalls, placedTraining.places, { arenaBytes, batchSize: request.batchSize }),
    evaluation: assembleProgram(evaluationCalls, placedEvaluation.places, { arenaBytes, batchSize: request.evaluationBatchSize }),
    weights: training.network.weights,
    layout,
    accumulators,
    metrics: metrics.map(({ metric, accumulator }) => ({ metric, accumulator })),
    arenaBytes,
    flopsPerRow: { training: 3 * training.flops, evaluation: evaluation.flops },
  };
}

/** Training or evaluation up to the loss. */
interface Side {
  readonly graph: GraphBuilder;
  readonly network: Network;
  readonly built: BuiltLoss;
  readonly evaluated: Evaluated;
  readonly nodes: ReturnType<typeof liveNodes>;
  readonly calls: readonly Call[];
  readonly metrics: readonly MetricDefinition[];
  readonly flops: number;
}

function buildSide(request: TrainingPlanRequest, mode: 'training' | 'inference'): Side {
  const graph = new GraphBuilder(mode);
  const network = buildNetwork(request.spec, graph);
  const { input, output } = network;
  const definition = LOSSES[request.loss];
  const type = request.target === 'classes' ? definition.classTarget : 'real';
  const target = graph.input('target', type === 'int32' ? output.shape.slice(0, -1) : output.shape, type);
  graph.layer = request.loss;
  const built = definition.build(graph, output, target);
  const nodes = liveNodes(graph, [built.perVector, built.prediction]);
  return {
    graph,
    network,
    built,
    evaluated: { prediction: built.prediction, target, loss: built.perVector },
    nodes,
    calls: [
      gatherCall(input, FEEDS.features, 'gather'),
      gatherCall(target, FEEDS.targets, request.target === 'classes' && type === 'real' ? 'gather_as_real' : 'gather'),
      ...nodes.flatMap((node) => forwardCalls(node)),
    ],
    metrics: [lossMetric, ...request.metrics.map((name) => METRICS[name])],
    flops: nodes.reduce((sum, node) => sum + nodeFlops(node), 0),
  };
}

/** Fills an input with the rows of the batch. */
export function gatherCall(input: Value, feed: number, kernel: 'gather' | 'gather_as_real'): Call {
  return { kernel, buffers: [input], dims: [perRow(1), fixed(sizeOf(input.shape))], scalars: [feed], writes: [0], layer: input.label };
}

interface MetricPlace extends PlacedMetric {
  readonly to: number;
}

function placeMetrics({ metrics, evaluated }: Side, from: number): MetricPlace[] {
  let to = from;
  return metrics.map((metric) => {
    const byteOffset = to;
    const length = metric.width(evaluated) + 1;
    to += alignUp(length * Float64Array.BYTES_PER_ELEMENT);
    return { metric, accumulator: { byteOffset, dtype: 'float64', length }, to };
  });
}

function accumulateCalls({ graph, evaluated }: Side, metrics: readonly MetricPlace[]): Call[] {
  return metrics.map(({ metric, accumulator }) => metric.accumulate(evaluated, accumulatorValue(graph, metric, accumulator)));
}

function accumulatorValue(graph: GraphBuilder, metric: MetricDefinition, { length }: BufferRef): Value {
  return graph.value({ label: metric.type, shape: [length], batched: false, type: 'float64', role: 'accumulator' });
}

/**
 * Stop at a non-finite loss, go backward, stop at a non-finite gradient, update: no step that is not finite reaches the weights.
 */
function derivativeCalls({ update, realBytes }: TrainingPlanRequest, { graph, network, built, nodes }: Side, layout: WeightsLayout) {
  const { weights } = network;
  const trainable = weights.filter((weight) => weight.trainable).map((weight) => weight.value);
  const { calls, gradients } = differentiate(graph, { nodes, root: built.perVector, arriving: null, of: trainable });
  const homes = weights.flatMap(({ value }, i): [Value, BufferRef][] => {
    const gradient = gradients.get(value);
    const place = layout.weights[i]!;
    return gradient ? [[gradient, { ...place, byteOffset: place.byteOffset + layout.gradients.byteOffset }]] : [];
  });
  const length = layout.trainable.bytes / realBytes;
  const blocks = [layout.trainable, layout.gradients, ...layout.slots].map((block, i): [Value, BufferRef] => {
    const value = graph.value({ label: `block ${i}`, shape: [length], batched: false, type: 'real', role: 'parameter' });
    return [value, bufferRef(value, block.byteOffset, { batchSize: 1, realBytes })];
  });
  const buffers = blocks.map(([value]) => value);
  const dims = [fixed(length)];
  const guard = (value: Value, size: Call['dims'][number], layer: string): Call => {
    return { kernel: 'guard_finite', buffers: [value], dims: [size], scalars: [], writes: [], layer };
  };
  const lossSize = { size: sizeOf(built.perVector.shape), perRow: true };
  return {
    calls: [
      guard(built.perVector, lossSize, 'loss'),
      ...calls,
      guard(buffers[1]!, dims[0]!, 'gradient'),
      {
        kernel: update.kernel,
        buffers,
        dims,
        scalars: update.scalars,
        writes: buffers.map((_, i) => i).filter((i) => i !== 1),
        layer: 'update',
      },
      // Running statistics too only after the guards, so that a bad batch leaves them as they were.
      ...nodes.flatMap((node) => stateUpdateCalls(node)),
    ],
    homes: [...homes, ...blocks],
  };
}

interface SidePlacement {
  readonly layout: WeightsLayout;
  readonly metrics: readonly MetricPlace[];
  readonly homes: readonly [Value, BufferRef][];
  readonly from: number;
  readonly batchSize: number;
  readonly realBytes: 4 | 8;
}

function placeSide({ graph, network }: Side, calls: readonly Call[], { layout, metrics, homes, ...rest }: SidePlacement) {
  const accumulators = graph.values.filter((value) => value.role === 'accumulator');
  return placeValues({
    ...rest,
    calls,
    kept: [],
    homes: new Map([
      ...network.weights.map(({ value }, i): [Value, BufferRef] => [value, layout.weights[i]!]),
      ...accumulators.map((value, i): [Value, BufferRef] => [value, metrics[i]!.accumulator]),
      ...homes,
    ]),
  });
}
