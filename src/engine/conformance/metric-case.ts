import type { Backend } from '../backends/backend.ts';
import { GraphBuilder, type Value } from '../graph/graph.ts';
import { METRICS } from '../metrics/index.ts';
import type { MetricDefinition } from '../metrics/metric.ts';
import { nameIn } from './name-in.ts';
import { runCalls } from './run-calls.ts';
import type { Comparison, Vector, VectorTensor } from './vector.ts';
import { comparison } from './vector.ts';

/** A metric of one batch. */
export function runMetric({ spec, inputs, expect }: Vector, backend: Backend): Comparison[] {
  const graph = new GraphBuilder('inference');
  const prediction = inputValue(graph, 'y_pred', inputs['y_pred']);
  const target = inputValue(graph, 'y_true', inputs['y_true']);
  const definition: MetricDefinition = METRICS[nameIn(METRICS, spec['type'], 'metric')];
  const evaluated = { prediction, target, loss: prediction };
  const length = definition.width(evaluated) + 1;
  const accumulator = graph.value({ label: 'accumulator', shape: [length], batched: false, type: 'float64', role: 'accumulator' });
  const data = new Map<Value, readonly number[]>([
    [prediction, inputs['y_pred']!.data],
    [target, inputs['y_true']!.data],
    [accumulator, new Array<number>(length).fill(0)],
  ]);
  const batchSize = inputs['y_pred']!.shape[0]!;
  const read = runCalls([definition.accumulate(evaluated, accumulator)], data, [], { backend, batchSize, realBytes: 4 });
  return comparison('metric', expect.output, [definition.result(Float64Array.from(read(accumulator)))]);
}

function inputValue(graph: GraphBuilder, label: string, tensor: VectorTensor | undefined): Value {
  if (!tensor) throw new Error(`The case has no ${label}`);
  return graph.input(label, tensor.shape.slice(1), tensor.dtype === 'int32' ? 'int32' : 'real');
}
