import { describe, expect, test } from 'vitest';
import { CONTROL } from '../../../src/engine/backends/backend.ts';
import { referenceBackend } from '../../../src/engine/backends/reference.ts';
import { selectBackend } from '../../../src/engine/index.ts';
import { planTraining } from '../../../src/engine/plan/training-plan.ts';
import { checkSpec } from '../../../src/engine/spec/check-spec.ts';
import { loadPredictor } from '../../../src/engine/trainer/predictor.ts';
import { train } from '../../../src/engine/trainer/trainer.ts';
import type { OutputTraining, TrainRequest, TrainResult } from '../../../src/engine/trainer/training.ts';
import { initializeWeights, readWeights } from '../../../src/engine/trainer/weights-memory.ts';
import { FAST_BACKENDS } from '../backends-here.ts';

const ROWS = 48;
const limits = { layersMax: 50, parametersMax: 1e6, arenaBytesMax: 1e9 };
const wave = (i: number) => Math.sin(12.9898 * (i + 1));

function checked(spec: object) {
  const report = checkSpec({ spec, limits });
  expect(report.faults).toEqual([]);
  return report.spec!;
}

/** Two inputs, a number and a class, one frozen layer. */
const SPEC = {
  inputs: [
    { name: 'a', shape: [3] },
    { name: 'b', shape: [2] },
  ],
  layers: [
    { name: 'left', type: 'dense', units: 6, activation: 'tanh', inbound: ['a'] },
    { name: 'right', type: 'dense', units: 6, activation: 'tanh', inbound: ['b'], trainable: false },
    { name: 'both', type: 'concatenate', inbound: ['left', 'right'] },
    { name: 'number', type: 'dense', units: 1, inbound: ['both'] },
    { name: 'class', type: 'dense', units: 2, activation: 'softmax', inbound: ['both'] },
  ],
  outputs: ['number', 'class'],
};

const features = Float32Array.from({ length: ROWS * 5 }, (_, i) => wave(i));
const number = Float32Array.from({ length: ROWS }, (_, row) => features[row * 5]! - features[row * 5 + 3]!);
const classes = Int32Array.from({ length: ROWS }, (_, row) => Number(features[row * 5 + 1]! + features[row * 5 + 4]! > 0));

function run(outputs: Record<string, OutputTraining>, epochs: number): TrainResult {
  const all = Int32Array.from({ length: ROWS }, (_, row) => row);
  const request: TrainRequest = {
    spec: checked(SPEC),
    task: 'regression',
    training: {
      epochs,
      batch_size: 8,
      loss: 'mean_squared_error',
      outputs,
      optimizer: { type: 'sgd', learning_rate: 0.1, momentum: 0.9, nesterov: false },
      metrics: [],
      seed: 3,
      shuffle: true,
      early_stopping: null,
      checkpoint: { every_epochs: 1 },
      threads: 1,
      on_divergence: 'stop',
    },
    data: { rows: ROWS, featureWidth: 5, features, targetWidth: 1, targets: number, furtherTargets: [classes] },
    split: { train: all, validation: new Int32Array(0), test: new Int32Array(0) },
    backend: 'reference',
    control: new Int32Array(CONTROL.words),
    now: () => 0,
  };
  const steps = train(request);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

const ownLoss = { class: { loss: 'sparse_categorical_cross_entropy', metrics: ['accuracy'] } };

describe('a network with two inputs and two outputs', () => {
  test('learns both targets; the loss is the sum', () => {
    const { metrics, stop_reason } = run(ownLoss, 120);
    expect(stop_reason).toBe('completed');
    expect(metrics['number_loss']).toBeLessThan(0.05);
    expect(metrics['class_accuracy']).toBeGreaterThan(0.9);
    expect(metrics['loss']).toBeCloseTo(metrics['number_loss']! + metrics['class_loss']!, 6);
  });

  test('leaves the frozen layer as it began and moves the others', () => {
    const [before, after] = [run(ownLoss, 0), run(ownLoss, 2)].map(
      ({ weights }) => new Map(weights.map(({ name, data }) => [name, [...data]])),
    );
    expect(after!.get('right/kernel')).toEqual(before!.get('right/kernel'));
    expect(after!.get('left/kernel')).not.toEqual(before!.get('left/kernel'));
  });

  test('a loss with weight 0 teaches nothing', () => {
    const untaught = { class: { ...ownLoss.class, loss_weight: 0 } };
    const [before, after] = [run(untaught, 0), run(untaught, 2)].map(
      ({ weights }) => new Map(weights.map(({ name, data }) => [name, [...data]])),
    );
    expect(after!.get('class/kernel')).toEqual(before!.get('class/kernel'));
    expect(after!.get('number/kernel')).not.toEqual(before!.get('number/kernel'));
  });

  test('predicts every output, from one matrix or from one array per input', () => {
    const { weights } = run(ownLoss, 1);
    const predictor = loadPredictor({ spec: checked(SPEC), weights, backend: 'reference' });
    expect(predictor.outputs).toEqual([
      { name: 'number', width: 1 },
      { name: 'class', width: 2 },
    ]);
    const dealt = predictor.predictAll(features, ROWS);
    const a = Float32Array.from({ length: ROWS * 3 }, (_, i) => features[Math.floor(i / 3) * 5 + (i % 3)]!);
    const b = Float32Array.from({ length: ROWS * 2 }, (_, i) => features[Math.floor(i / 2) * 5 + 3 + (i % 2)]!);
    expect(predictor.predictAll([a, b], ROWS)).toEqual(dealt);
    expect(dealt.map(({ length }) => length)).toEqual([ROWS, 2 * ROWS]);
  });
});

/** Networks over every structural layer whose gradients no golden case holds. */
const NETWORKS: Record<string, object> = {
  'masked attention over an embedding': {
    input_shape: [6],
    input_dtype: 'int32',
    layers: [
      { type: 'embedding', input_dim: 5, output_dim: 4, mask_zero: true },
      { type: 'multi_head_attention', num_heads: 2, key_dim: 3 },
      { type: 'gru', units: 3 },
      { type: 'dense', units: 1 },
    ],
  },
  'causal attention to another sequence': {
    inputs: [
      { name: 'x', shape: [4, 3] },
      { name: 'z', shape: [5, 2] },
    ],
    layers: [
      { name: 'q', type: 'multi_head_attention', num_heads: 2, key_dim: 2, use_causal_mask: true, inbound: ['x', 'z'] },
      { name: 'flat', type: 'flatten', inbound: ['q'] },
      { name: 'out', type: 'dense', units: 1, inbound: ['flat'] },
    ],
    outputs: ['out'],
  },
  'a convolution for every step': {
    input_shape: [3, 5, 5, 1],
    layers: [
      { type: 'time_distributed', layer: { type: 'conv2d', filters: 2, kernel_size: 3, activation: 'tanh' } },
      { type: 'time_distributed', layer: { type: 'flatten' } },
      { type: 'masking' },
      { type: 'lstm', units: 3 },
      { type: 'dense', units: 1 },
    ],
  },
  'images padded, cropped, enlarged and turned': {
    input_shape: [4, 3, 2],
    layers: [
      {
        type: 'zero_padding2d',
        padding: [
          [1, 0],
          [2, 1],
        ],
      },
      { type: 'conv2d', filters: 3, kernel_size: 2, activation: 'tanh' },
      { type: 'up_sampling2d', size: [2, 3] },
      {
        type: 'cropping2d',
        cropping: [
          [1, 2],
          [0, 3],
        ],
      },
      { type: 'permute', dims: [3, 1, 2] },
      { type: 'flatten' },
      { type: 'dense', units: 1 },
    ],
  },
  'every merge, with a shared layer': {
    inputs: [
      { name: 'x', shape: [3] },
      { name: 'z', shape: [3] },
    ],
    layers: [
      { name: 's', type: 'dense', units: 3, activation: 'tanh', inbound: [['x'], ['z']] },
      { name: 'minus', type: 'subtract', inbound: ['s', 's:1'] },
      { name: 'times', type: 'multiply', inbound: ['s', 's:1', 'minus'] },
      { name: 'most', type: 'maximum', inbound: ['s', 's:1'] },
      { name: 'mean', type: 'average', inbound: ['times', 'most', 'minus'] },
      { name: 'steps', type: 'repeat_vector', n: 2, inbound: ['mean'] },
      { name: 'product', type: 'dot', axes: [2, 1], inbound: ['steps', 's'] },
      { name: 'out', type: 'dense', units: 1, inbound: ['product'] },
    ],
    outputs: ['out'],
  },
};

const DISTANCE = 1e-6;

/** Loss of a batch and the gradients of all weights, in double precision. */
function lossAndGradients(spec: object) {
  const plan = planTraining({
    spec: checked(spec),
    outputs: [{ loss: 'mean_squared_error', metrics: [], target: 'numbers' }],
    update: { kernel: 'sgd', scalars: [], slots: 0 },
    batchSize: 3,
    evaluationBatchSize: 3,
    realBytes: 8,
  });
  const { arena, sessions } = referenceBackend().bind([plan.training]);
  const feeds = plan.inputs.map(({ width, type }, input) => {
    const real = Float64Array.from({ length: 3 * width }, (_, i) => wave(i + 7 * input));
    return type === 'int32' ? Int32Array.from(real, (value) => Math.floor(2.4 + 2.4 * value)) : real;
  });
  const [loss] = [new Float64Array(arena, plan.metrics[0]!.accumulator.byteOffset, 2)];
  const weights = new Float64Array(arena, plan.layout.trainable.byteOffset, plan.layout.trainable.bytes / 8);
  const gradients = new Float64Array(arena, plan.layout.gradients.byteOffset, weights.length);
  weights.set(Float64Array.from(weights, (_, i) => 0.6 * wave(3 * i + 1)));
  const run = () => {
    loss!.fill(0);
    const target = Float64Array.of(0.3, -0.8, 0.5);
    const control = new Int32Array(CONTROL.words);
    sessions[0]!.run({
      feeds: [...feeds, target],
      order: Int32Array.of(0, 1, 2),
      from: 0,
      to: 3,
      firstStep: 0,
      learningRates: Float64Array.of(0),
      seed: [1, 2],
      control,
    });
    return loss![0]! / loss![1]!;
  };
  const ranges = plan.layout.weights.map(({ byteOffset, length }) => {
    const from = (byteOffset - plan.layout.trainable.byteOffset) / Float64Array.BYTES_PER_ELEMENT;
    return { from, to: from + length };
  });
  return { weights, gradients, run, ranges };
}

describe.each(Object.entries(NETWORKS))('%s', (_name, spec) => {
  test('has the gradients that central differences give', () => {
    const { weights, gradients, run, ranges } = lossAndGradients(spec);
    run();
    const computed = gradients.slice();
    for (const { from, to } of ranges) {
      for (let i = from; i < to; i += 1) {
        const value = weights[i]!;
        const [above, below] = [DISTANCE, -DISTANCE].map((shift) => {
          weights[i] = value + shift;
          return run();
        });
        weights[i] = value;
        expect(Math.abs(computed[i]! - (above! - below!) / (2 * DISTANCE)), `weight ${i}`).toBeLessThan(1e-8);
      }
    }
    expect(computed.some((gradient) => gradient !== 0)).toBe(true);
  });

  test.each(FAST_BACKENDS)('trains on %s as on the reference', (name) => {
    const [reference, fast] = [referenceBackend(), selectBackend(name)].map((backend) => {
      const plan = planTraining({
        spec: checked(spec),
        outputs: [{ loss: 'mean_squared_error', metrics: [], target: 'numbers' }],
        update: { kernel: 'sgd', scalars: [], slots: 0 },
        batchSize: 3,
        evaluationBatchSize: 3,
        realBytes: 4,
      });
      const { arena, sessions } = backend.bind([plan.training]);
      const memory = { weights: plan.weights, layout: plan.layout, arena };
      initializeWeights(memory, 5);
      const feeds = plan.inputs.map(({ width, type }, input) => {
        const real = Float32Array.from({ length: 7 * width }, (_, i) => wave(i + 7 * input));
        return type === 'int32' ? Int32Array.from(real, (value) => Math.floor(2.4 + 2.4 * value)) : real;
      });
      sessions[0]!.run({
        feeds: [...feeds, Float32Array.from({ length: 7 }, (_, i) => wave(i))],
        order: Int32Array.of(3, 1, 4, 0, 6, 2, 5),
        from: 0,
        to: 7,
        firstStep: 0,
        learningRates: new Float64Array(3).fill(0.1),
        seed: [1, 2],
        control: new Int32Array(CONTROL.words),
      });
      return readWeights(memory).flatMap(({ data }) => [...data]);
    });
    const distances = fast!.map((value, i) => Math.abs(value - reference![i]!));
    expect(Math.max(...distances)).toBeLessThan(1e-5);
  });
});
