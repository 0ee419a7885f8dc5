import { expect } from 'vitest';
import type { Backend } from '../../src/engine/backends/backend.ts';
import type { GraphBuilder, Value } from '../../src/engine/graph/graph.ts';
import { GraphBuilder as Graph } from '../../src/engine/graph/graph.ts';
import { LAYERS, type LayerType } from '../../src/engine/layers/index.ts';
import type { LayerDefinition } from '../../src/engine/layers/layer.ts';
import { LOSSES, type LossName } from '../../src/engine/losses/index.ts';
import { METRICS, type MetricName } from '../../src/engine/metrics/index.ts';
import type { MetricDefinition } from '../../src/engine/metrics/metric.ts';
import { fixed } from '../../src/engine/ops/op.ts';
import { OPTIMIZERS, type OptimizerName } from '../../src/engine/optimizers/index.ts';
import type { OptimizerDefinition } from '../../src/engine/optimizers/optimizer.ts';
import { withDefaults } from '../../src/engine/schema.ts';
import { runCalls, runGraph } from '../engine/graph-session.ts';
import { expectClose, gradientSets, type Vector, type VectorTensor } from './vectors.ts';

export function runLayer(vector: Vector, backend: Backend): void {
  const graph = new Graph(vector.mode === 'train' ? 'training' : 'inference');
  graph.layer = 'tested';
  const definition: LayerDefinition = LAYERS[vector.spec.type as LayerType];
  const options = withDefaults(definition.options, vector.spec) as object;
  const x = inputValue(graph, 'x', vector.inputs['x']!);
  const weights = definition.weights(options, [x.shape]).map(({ name, shape }) => [name, graph.parameter(name, shape)] as const);
  const output = definition.build(graph, options, [x], Object.fromEntries(weights));
  expect([vector.inputs['x']!.shape[0], ...output.shape]).toEqual(vector.expect.output!.shape);
  const values = [['x', x] as const, ...weights];
  compareGraph(graph, vector, values, output, backend);
}

export function runActivation(vector: Vector, backend: Backend): void {
  const graph = new Graph('training');
  graph.layer = 'tested';
  const x = inputValue(graph, 'x', vector.inputs['x']!);
  const options = withDefaults(LAYERS.activation.options, vector.spec) as Parameters<typeof LAYERS.activation.build>[1];
  const output = LAYERS.activation.build(graph, options, [x], {});
  compareGraph(graph, vector, [['x', x]], output, backend);
}

/** A layer that does nothing has no op: its output is the input, and so is its gradient. */
function compareGraph(
  graph: GraphBuilder,
  vector: Vector,
  values: readonly (readonly [string, Value])[],
  output: Value,
  backend: Backend,
): void {
  const tensors = { ...vector.inputs, ...vector.params };
  const batchSize = vector.inputs['x']!.shape[0]!;
  const result = runGraph(
    {
      graph,
      data: new Map(values.map(([name, value]) => [value, tensors[name]!.data])),
      root: output,
      backward: vector.upstream?.data ?? null,
      of: values.map(([, value]) => value),
    },
    { backend, batchSize, realBytes: 4 },
  );
  expectClose(result.output, vector.expect.output!.data, vector.tolerance, 'output');
  values.forEach(([name], i) => {
    const expected = vector.expect.grad_inputs?.[name] ?? vector.expect.grad_params?.[name];
    if (expected) expectClose(result.gradients[i]!, expected.data, vector.tolerance, `gradient of ${name}`);
  });
}

export function runLoss(vector: Vector, backend: Backend): void {
  const graph = new Graph('training');
  graph.layer = 'tested';
  const { y_true, y_pred } = vector.inputs;
  const prediction = inputValue(graph, 'y_pred', y_pred!);
  const target = inputValue(graph, 'y_true', y_true!);
  const definition = LOSSES[vector.spec.type as LossName];
  // From logits means after a softmax or sigmoid layer, which the loss fuses with itself.
  const activation = vector.spec.type === 'binary_cross_entropy' ? 'sigmoid' : 'softmax';
  const output = vector.spec.from_logits ? graph.apply(activation, [prediction], {}) : prediction;
  const { perVector } = definition.build(graph, output, target);
  const result = runGraph(
    {
      graph,
      data: new Map([
        [prediction, y_pred!.data],
        [target, y_true!.data],
      ]),
      root: perVector,
      backward: 'loss',
      of: [prediction],
    },
    { backend, batchSize: y_pred!.shape[0]!, realBytes: 4 },
  );
  const mean = result.output.reduce((sum, value) => sum + value, 0) / result.output.length;
  expectClose([mean], vector.expect.output!.data, vector.tolerance, 'loss');
  expectClose(result.gradients[0]!, vector.expect.grad_inputs!['y_pred']!.data, vector.tolerance, 'gradient');
}

export function runMetric(vector: Vector, backend: Backend): void {
  const graph = new Graph('inference');
  const { y_true, y_pred } = vector.inputs;
  const prediction = inputValue(graph, 'y_pred', y_pred!);
  const target = inputValue(graph, 'y_true', y_true!);
  const definition: MetricDefinition = METRICS[vector.spec.type as MetricName];
  const evaluated = { prediction, target, loss: prediction };
  const accumulator = graph.value({
    label: 'accumulator',
    shape: [definition.width(evaluated) + 1],
    batched: false,
    type: 'float64',
    role: 'accumulator',
  });
  const data = new Map([
    [prediction, y_pred!.data],
    [target, y_true!.data],
    [accumulator, new Array(accumulator.shape[0]!).fill(0)],
  ]);
  const read = runCalls([definition.accumulate(evaluated, accumulator)], data, [], { backend, batchSize: y_pred!.shape[0]!, realBytes: 4 });
  expectClose([definition.result(Float64Array.from(read(accumulator)))], vector.expect.output!.data, vector.tolerance, 'metric');
}

export function runOptimizer(vector: Vector, backend: Backend): void {
  const definition: OptimizerDefinition = OPTIMIZERS[vector.spec.type as OptimizerName];
  const options = withDefaults(definition.options, vector.spec) as { learning_rate: number };
  const update = definition.update(options);
  const names = Object.keys(vector.params);
  const length = names.reduce((sum, name) => sum + vector.params[name]!.data.length, 0);
  const concatenate = (tensors: Record<string, VectorTensor>) => names.flatMap((name) => tensors[name]!.data);
  // One block each of parameters, gradients and slots, as in the arena of a job.
  const blockBytes = Math.ceil((length * 4) / 64) * 64;
  const blocks = Array.from(
    { length: 2 + definition.slots(options) },
    (_, i) => ({ byteOffset: i * blockBytes, dtype: 'float32', length }) as const,
  );
  const arena = new ArrayBuffer(blocks.length * blockBytes);
  const parameters = new Float32Array(arena, 0, length);
  const gradients = new Float32Array(arena, blockBytes, length);
  const command = { kernel: update.kernel, buffers: blocks, dims: [fixed(length)], scalars: update.scalars };
  const session = backend.load({ commands: [command], arenaBytes: arena.byteLength, batchSize: 1 }, arena);
  parameters.set(concatenate(vector.params));
  gradientSets(vector).forEach((set, step) => {
    gradients.set(concatenate(set));
    session.run({
      feeds: [],
      order: Int32Array.of(0),
      from: 0,
      to: 1,
      firstStep: step,
      learningRates: Float64Array.of(options.learning_rate),
      seed: [0, 0],
      control: new Int32Array(4),
    });
    expectClose(parameters, concatenate(vector.expect.params_by_step![step]!), vector.tolerance, `parameters after update ${step}`);
  });
}

function inputValue(graph: GraphBuilder, label: string, { shape, dtype }: VectorTensor): Value {
  return graph.input(label, shape.slice(1), dtype === 'int32' ? 'int32' : 'real');
}
