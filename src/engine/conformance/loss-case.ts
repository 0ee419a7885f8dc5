import type { Backend } from '../backends/backend.ts';
import { GraphBuilder, type Value } from '../graph/graph.ts';
import { isObject } from '../json-schema.ts';
import { LOSSES, lossOf, lossOptions } from '../losses/index.ts';
import { elementsOf, fixed } from '../ops/op.ts';
import { nameIn } from './name-in.ts';
import { runCalls } from './run-calls.ts';
import { runGraph } from './run-graph.ts';
import type { Comparison, Vector, VectorTensor } from './vector.ts';
import { comparison } from './vector.ts';

/** A loss by itself: its mean and the gradient of the prediction. */
export function runLoss(vector: Vector, backend: Backend): Comparison[] {
  const { spec, inputs, expect } = vector;
  if (spec['type'] === 'regularizer') return runPenalty(vector, backend);
  const graph = new GraphBuilder('training');
  const { type, ...posted } = spec;
  const name = nameIn(LOSSES, type, 'loss');
  const prediction = inputValue(graph, 'y_pred', inputs['y_pred']);
  const target = inputValue(graph, 'y_true', inputs['y_true']);
  const weights = weightsOf(vector);
  const weight = weights && inputValue(graph, 'weight', weights);
  const { perVector } = lossOf(name).build(graph, { output: prediction, target, weight }, lossOptions(name, posted));
  const data = new Map([
    [prediction, inputs['y_pred']!.data],
    [target, inputs['y_true']!.data],
  ]);
  if (weight) data.set(weight, weights.data);
  const batchSize = inputs['y_pred']!.shape[0]!;
  const result = runGraph({ graph, data, root: perVector, backward: 'loss', of: [prediction] }, { backend, batchSize, realBytes: 4 });
  const mean = result.output.reduce((sum, value) => sum + value, 0) / result.output.length;
  return [
    ...comparison('loss', expect.output, [mean]),
    ...comparison('gradient of y_pred', expect.grad_inputs?.['y_pred'], result.gradients[0]!, inputs['y_pred']!.shape),
  ];
}

/** Sample weights times class weights; the class of a one-hot row is its largest element. */
function weightsOf({ spec, inputs }: Vector): VectorTensor | null {
  const { sample_weight, y_true } = inputs;
  const ofClass = spec['class_weight'];
  if (!isObject(ofClass)) return sample_weight ?? null;
  const classes = classesOf(y_true!);
  const perRow = sample_weight ? classes.data.length / sample_weight.data.length : 1;
  const data = classes.data.map((id, i) => Number(ofClass[String(id)] ?? 1) * (sample_weight?.data[Math.floor(i / perRow)] ?? 1));
  return { shape: classes.shape, data };
}

function classesOf({ shape, data, dtype }: VectorTensor): VectorTensor {
  const width = shape.at(-1)!;
  if (dtype === 'int32' && shape.length === 1) return { shape, data };
  const rows = Array.from({ length: data.length / width }, (_, row) => data.slice(row * width, (row + 1) * width));
  return { shape: shape.slice(0, -1), data: rows.map((row) => (width === 1 ? row[0]! : row.indexOf(Math.max(...row)))) };
}

/** The penalty of a weight and its gradient. */
function runPenalty({ spec, params, expect }: Vector, backend: Backend): Comparison[] {
  const tensor = params?.['w'];
  if (!tensor) throw new Error('A regularizer is asked for the penalty of w');
  const graph = new GraphBuilder('training');
  const w = graph.parameter('w', tensor.shape);
  const gradient = graph.parameter('gradient of w', tensor.shape);
  const penalty = graph.value({ label: 'penalty', shape: [2], batched: false, type: 'float64', role: 'accumulator' });
  const scalars = [Number(spec['l1'] ?? 0), Number(spec['l2'] ?? 0)];
  const shared = { scalars, writes: [1], layer: 'penalty' };
  const calls = [
    { ...shared, kernel: 'add_penalty', buffers: [w, penalty], dims: [elementsOf(w), fixed(1)] },
    { ...shared, kernel: 'add_penalty_gradient', buffers: [w, gradient], dims: [elementsOf(w)] },
  ];
  const data = new Map<Value, readonly number[]>([
    [w, tensor.data],
    [gradient, tensor.data.map(() => 0)],
    [penalty, [0, 0]],
  ]);
  const read = runCalls(calls, data, [], { backend, batchSize: 1, realBytes: 4 });
  return [
    ...comparison('penalty', expect.output, read(penalty).slice(0, 1)),
    ...comparison('gradient of w', expect.grad_params?.['w'], read(gradient), tensor.shape),
  ];
}

function inputValue(graph: GraphBuilder, label: string, tensor: VectorTensor | undefined): Value {
  if (!tensor) throw new Error(`The case has no ${label}`);
  return graph.input(label, tensor.shape.slice(1), tensor.dtype === 'int32' ? 'int32' : 'real');
}
