import type { BufferRef, Program } from '../backends/backend.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { MetricDefinition } from '../metrics/metric.ts';
import type { Call } from '../ops/op.ts';
import type { UpdateCall } from '../optimizers/optimizer.ts';
import type { NetworkWeight } from '../spec/build-graph.ts';
import type { ModelSpec } from '../spec/model-spec.ts';
import { type InputFeed, inputFeeds } from './input-feeds.ts';
import { alignUp, placeValues } from './placement.ts';
import { assembleProgram } from './program.ts';
import type { OutputRequest, Side, TrainedOutput } from './training-side.ts';
import { buildSide } from './training-side.ts';
import { updateCalls } from './update-calls.ts';
import type { Block, WeightsLayout } from './weights-layout.ts';
import { layOutWeights } from './weights-layout.ts';

export interface TrainingPlanRequest {
  readonly spec: ModelSpec;
  /** One per output of the network, in order. Their weighted losses are summed. */
  readonly outputs: readonly OutputRequest[];
  readonly update: UpdateCall & { readonly slots: number };
  readonly batchSize: number;
  readonly evaluationBatchSize: number;
  readonly realBytes: 4 | 8;
}

/** A metric and the accumulator in which a program leaves it. */
export interface PlacedMetric {
  /** Position of its output, and the output's name. */
  readonly output: number;
  readonly outputName: string;
  /** Factor of this output's loss in the sum. */
  readonly weight: number;
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
  /** Per output, `loss` first. */
  readonly metrics: readonly PlacedMetric[];
  /** The inputs: feeds 0, 1, …; a feed more per output follows for the targets. */
  readonly inputs: readonly InputFeed[];
  readonly arenaBytes: number;
  /** Floating-point operations of one training step per row, and of one evaluation per row. */
  readonly flopsPerRow: { readonly training: number; readonly evaluation: number };
}

export function planTraining(request: TrainingPlanRequest): TrainingPlan {
  const training = buildSide(request.spec, request.outputs, 'training');
  const evaluation = buildSide(request.spec, request.outputs, 'inference');
  const layout = layOutWeights(training.network.weights, { realBytes: request.realBytes, slots: request.update.slots });
  const metrics = placeMetrics(training, layout.to);
  const accumulators = { byteOffset: layout.to, bytes: metrics.at(-1)!.to - layout.to };
  const update = updateCalls(request, training, layout);

  const shared = { layout, metrics, from: layout.to + accumulators.bytes, realBytes: request.realBytes };
  const trainingCalls = [...training.calls, ...accumulateCalls(training, metrics), ...update.calls];
  const evaluationCalls = [...evaluation.calls, ...accumulateCalls(evaluation, metrics)];
  const placedTraining = placeSide(training, trainingCalls, { ...shared, batchSize: request.batchSize, homes: update.homes });
  const placedEvaluation = placeSide(evaluation, evaluationCalls, { ...shared, batchSize: request.evaluationBatchSize, homes: [] });
  const arenaBytes = Math.max(placedTraining.to, placedEvaluation.to);
  return {
    training: assembleProgram(trainingCalls, placedTraining.places, { arenaBytes, batchSize: request.batchSize }),
    evaluation: assembleProgram(evaluationCalls, placedEvaluation.places, { arenaBytes, batchSize: request.evaluationBatchSize }),
    weights: training.network.weights,
    layout,
    accumulators,
    metrics: metrics.map(({ to: _to, ...metric }) => metric),
    inputs: inputFeeds(training.network),
    arenaBytes,
    flopsPerRow: { training: 3 * training.flops, evaluation: evaluation.flops },
  };
}

interface MetricPlace extends PlacedMetric {
  readonly to: number;
}

function placeMetrics({ outputs }: Side, from: number): MetricPlace[] {
  let to = from;
  return outputs.flatMap((output, i) =>
    output.metrics.map((metric) => {
      const byteOffset = to;
      const length = metric.width(output.evaluated) + 1;
      to += alignUp(length * Float64Array.BYTES_PER_ELEMENT);
      const place = { byteOffset, dtype: 'float64', length } as const;
      return { output: i, outputName: output.name, weight: output.weight, metric, accumulator: place, to };
    }),
  );
}

function accumulateCalls({ graph, outputs }: Side, metrics: readonly MetricPlace[]): Call[] {
  return metrics.map(({ output, metric, accumulator }) => {
    const { evaluated }: TrainedOutput = outputs[output]!;
    return metric.accumulate(evaluated, accumulatorValue(graph, metric, accumulator));
  });
}

function accumulatorValue(graph: GraphBuilder, metric: MetricDefinition, { length }: BufferRef): Value {
  return graph.value({ label: metric.type, shape: [length], batched: false, type: 'float64', role: 'accumulator' });
}

interface SidePlacement {
  readonly layout: WeightsLayout;
  readonly metrics: readonly MetricPlace[];
  readonly homes: readonly (readonly [Value, BufferRef])[];
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
