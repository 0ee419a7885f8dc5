/*
 * Where the numbers of an epoch are summed: metrics per output, and the penalty of each penalised weight. Training and
 * evaluation have the same accumulators at the same place.
 */

import type { BufferRef } from '../backends/backend.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { AccumulatedMetric, CollectedMetric } from '../metrics/metric.ts';
import { isCollected } from '../metrics/metric.ts';
import type { Call } from '../ops/op.ts';
import { elementsOf, perRow } from '../ops/op.ts';
import type { NetworkWeight } from '../spec/build-graph.ts';
import { alignUp } from './placement.ts';
import type { Side, TrainedOutput } from './training-side.ts';

interface MetricOfOutput {
  /** Position of its output, and the output's name. */
  readonly output: number;
  readonly outputName: string;
  /** Factor of this output's loss in the sum. */
  readonly weight: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** A metric and the accumulator in which a program leaves it. */
export interface PlacedMetric extends MetricOfOutput {
  readonly metric: AccumulatedMetric;
  readonly accumulator: BufferRef;
}

/** A metric that is worked out from the predictions of all rows. */
export interface GatheredMetric extends MetricOfOutput {
  readonly metric: CollectedMetric;
}

export interface Accumulators {
  /** Per output, `loss` first. */
  readonly metrics: readonly PlacedMetric[];
  readonly collected: readonly GatheredMetric[];
  /** [penalty times rows, rows] of each penalised weight. */
  readonly penalties: readonly BufferRef[];
  /** First byte after them. */
  readonly to: number;
}

export function placeAccumulators({ outputs, network }: Side, from: number): Accumulators {
  let to = from;
  const place = (length: number): BufferRef => {
    const byteOffset = to;
    to += alignUp(length * Float64Array.BYTES_PER_ELEMENT);
    return { byteOffset, dtype: 'float64', length };
  };
  const metrics = outputs.flatMap((output, i) =>
    output.metrics.flatMap(({ metric, options }): PlacedMetric[] => {
      if (isCollected(metric)) return [];
      return [{ ...ofOutput(output, i), options, metric, accumulator: place(metric.width(output.evaluated) + 1) }];
    }),
  );
  const collected = outputs.flatMap((output, i) =>
    output.metrics.flatMap(({ metric, options }): GatheredMetric[] =>
      isCollected(metric) ? [{ ...ofOutput(output, i), options, metric }] : [],
    ),
  );
  return { metrics, collected, penalties: penalised(network.weights).map(() => place(2)), to };
}

function ofOutput({ name, weight }: TrainedOutput, output: number) {
  return { output, outputName: name, weight };
}

/** The calls that add a batch, and where the values they write lie. */
export function accumulateCalls({ graph, outputs, network }: Side, { metrics, penalties }: Accumulators) {
  const homes: [Value, BufferRef][] = [];
  const accumulator = (label: string, place: BufferRef) => {
    const value = accumulatorValue(graph, label, place);
    homes.push([value, place]);
    return value;
  };
  const ofMetrics = metrics.map(({ output, metric, options, accumulator: place }) =>
    metric.accumulate(outputs[output]!.evaluated, accumulator(metric.type, place), options),
  );
  const ofWeights = penalised(network.weights).map(({ value, regularizer }, i): Call => {
    const buffers = [value, accumulator('penalty', penalties[i]!)];
    const dims = [elementsOf(value), perRow(1)];
    return { kernel: 'add_penalty', buffers, dims, scalars: [regularizer!.l1, regularizer!.l2], writes: [1], layer: value.label };
  });
  return { calls: [...ofMetrics, ...ofWeights], homes };
}

/** Penalties are for weights that learn: a frozen one would only shift the loss. */
function penalised(weights: readonly NetworkWeight[]): NetworkWeight[] {
  return weights.filter(({ regularizer, trainable }) => trainable && regularizer !== null && (regularizer.l1 > 0 || regularizer.l2 > 0));
}

function accumulatorValue(graph: GraphBuilder, label: string, { length }: BufferRef): Value {
  return graph.value({ label, shape: [length], batched: false, type: 'float64', role: 'accumulator' });
}
