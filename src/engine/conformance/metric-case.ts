import type { Backend } from '../backends/backend.ts';
import { GraphBuilder, type Value } from '../graph/graph.ts';
import { METRICS, metricOf, metricOptions } from '../metrics/index.ts';
import type { Matrix } from '../metrics/metric.ts';
import { isCollected } from '../metrics/metric.ts';
import { nameIn } from './name-in.ts';
import { runCalls } from './run-calls.ts';
import type { Comparison, Vector, VectorTensor } from './vector.ts';
import { comparison } from './vector.ts';

/** A metric of one batch. */
export function runMetric({ spec, inputs, expect }: Vector, backend: Backend): Comparison[] {
  const name = nameIn(METRICS, spec['type'], 'metric');
  const options = metricOptions(name, spec);
  const metric = metricOf(name);
  const { y_true, y_pred } = inputs;
  if (!y_true || !y_pred) throw new Error('A metric compares y_true and y_pred');
  const scores = y_pred.dtype === 'int32' ? oneHot(y_pred, Number(spec['num_classes'] ?? largest([y_true, y_pred]) + 1)) : y_pred;
  const width = scores.shape.length > 1 ? scores.shape.at(-1)! : 1;
  if (isCollected(metric)) {
    const targets = y_true.dtype === 'int32' ? Int32Array.from(y_true.data) : Float64Array.from(y_true.data);
    const collected = { predictions: Float64Array.from(scores.data), targets, width };
    return comparison('metric', expect.output, [metric.evaluate(collected, {}, options)]);
  }
  const graph = new GraphBuilder('inference');
  const prediction = inputValue(graph, 'y_pred', scores);
  const target = inputValue(graph, 'y_true', y_true);
  const evaluated = { prediction, target, loss: prediction };
  const length = metric.width(evaluated) + 1;
  const accumulator = graph.value({ label: 'accumulator', shape: [length], batched: false, type: 'float64', role: 'accumulator' });
  const data = new Map<Value, readonly number[]>([
    [prediction, scores.data],
    [target, y_true.data],
    [accumulator, new Array<number>(length).fill(0)],
  ]);
  const batchSize = scores.shape[0]!;
  const read = runCalls([metric.accumulate(evaluated, accumulator, options)], data, [], { backend, batchSize, realBytes: 4 });
  return comparison('metric', expect.output, flat(metric.result(Float64Array.from(read(accumulator)), {}, options)));
}

/** Predicted classes as scores: 1 at the class. */
function oneHot({ shape, data }: VectorTensor, classes: number): VectorTensor {
  return { shape: [...shape, classes], data: data.flatMap((id) => Array.from({ length: classes }, (_, c) => Number(c === id))) };
}

function largest(tensors: readonly VectorTensor[]): number {
  return Math.max(...tensors.flatMap(({ data }) => data));
}

function flat(result: number | Matrix): readonly number[] {
  return typeof result === 'number' ? [result] : result.flat();
}

function inputValue(graph: GraphBuilder, label: string, { shape, dtype }: VectorTensor): Value {
  return graph.input(label, shape.slice(1), dtype === 'int32' ? 'int32' : 'real');
}
