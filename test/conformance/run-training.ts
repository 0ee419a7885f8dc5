import { expect } from 'vitest';
import { type Backend, CONTROL } from '../../src/engine/backends/backend.ts';
import { LAYERS, type LayerType } from '../../src/engine/layers/index.ts';
import type { LossName } from '../../src/engine/losses/index.ts';
import { OPTIMIZERS, type OptimizerName } from '../../src/engine/optimizers/index.ts';
import type { OptimizerDefinition } from '../../src/engine/optimizers/optimizer.ts';
import { planTraining, type TrainingPlan } from '../../src/engine/plan/training-plan.ts';
import { withDefaults } from '../../src/engine/schema.ts';
import type { LayerSpec, ModelSpec } from '../../src/engine/spec/model-spec.ts';
import { loadPredictor } from '../../src/engine/trainer/predictor.ts';
import { readWeights, writeWeights } from '../../src/engine/trainer/weights-memory.ts';
import { expectClose, type Vector } from './vectors.ts';

/** Trains as the case says and compares every step's loss, the weights at the end and the predictions made with them. */
export function runTraining(vector: Vector, backend: Backend): void {
  const { spec, inputs, tolerance } = vector;
  const model = normalised(spec.model);
  const optimizer: OptimizerDefinition = OPTIMIZERS[spec.optimizer.type as OptimizerName];
  const options = withDefaults(optimizer.options, spec.optimizer) as { learning_rate: number };
  const plan = planTraining({
    spec: model,
    loss: spec.loss.type as LossName,
    metrics: [],
    update: { ...optimizer.update(options), slots: optimizer.slots(options) },
    target: inputs['y']!.dtype === 'int32' ? 'classes' : 'numbers',
    batchSize: spec.batch_size,
    evaluationBatchSize: spec.batch_size,
    realBytes: 4,
  });
  const memory = { weights: plan.weights, layout: plan.layout, arena: new ArrayBuffer(plan.arenaBytes) };
  writeWeights(
    memory,
    Object.entries(vector.params).map(([name, { shape, data }]) => ({ name, shape, data: Float32Array.from(data) })),
  );
  const losses = trainByStep(plan, memory.arena, vector, { backend, learningRate: options.learning_rate });
  expectClose(losses, vector.expect.losses!, tolerance, 'losses');

  const weights = readWeights(memory);
  expect(weights.map(({ name }) => name).toSorted()).toEqual(Object.keys(vector.expect.params!).toSorted());
  for (const { name, data } of weights) expectClose(data, vector.expect.params![name]!.data, tolerance, name);

  const predictor = loadPredictor({ spec: model, weights, backend: backend.name });
  const rows = vector.expect.output!.shape[0]!;
  const features = Float32Array.from(inputs['x']!.data).subarray(0, (rows * inputs['x']!.data.length) / inputs['x']!.shape[0]!);
  expectClose(predictor.predict(features, rows), vector.expect.output!.data, tolerance, 'output');
}

function trainByStep(
  plan: TrainingPlan,
  arena: ArrayBuffer,
  vector: Vector,
  { backend, learningRate }: { backend: Backend; learningRate: number },
) {
  const { spec, inputs } = vector;
  const session = backend.load(plan.training, arena);
  const rows = inputs['x']!.shape[0]!;
  const targets = inputs['y']!;
  const loss = new Float64Array(arena, plan.metrics[0]!.accumulator.byteOffset, 2);
  const losses: number[] = [];
  for (let epoch = 0; epoch < spec.epochs; epoch += 1) {
    for (let from = 0; from < rows; from += spec.batch_size) {
      loss.fill(0);
      session.run({
        feeds: [
          Float32Array.from(inputs['x']!.data),
          targets.dtype === 'int32' ? Int32Array.from(targets.data) : Float32Array.from(targets.data),
        ],
        order: Int32Array.from({ length: rows }, (_, row) => row),
        from,
        to: Math.min(from + spec.batch_size, rows),
        firstStep: losses.length,
        learningRates: Float64Array.of(learningRate),
        seed: [0, 0],
        control: new Int32Array(CONTROL.words),
      });
      losses.push(loss[0]! / loss[1]!);
    }
  }
  return losses;
}

function normalised(model: ModelSpec): ModelSpec {
  const layers = model.layers.map((layer) => ({
    ...layer,
    ...(withDefaults(LAYERS[layer.type as LayerType].options, layer) as LayerSpec),
  }));
  return { ...model, layers };
}
