import { describe, expect, it } from 'vitest';
import { CONTROL } from '../../../src/engine/backends/backend.ts';
import { testLearningRates } from '../../../src/engine/trainer/learning-rate-range.ts';
import type { TrainingOptions, TrainRequest } from '../../../src/engine/trainer/training.ts';
import { memoryFile } from '../../../src/engine/weights/safetensors.ts';
import { BACKENDS } from '../backends-here.ts';
import { classification, numbersOf, trainToEnd } from './iris-like.ts';

/** A logic gate with one step unit and zero weights. */
function gate(targets: readonly number[], changes: Partial<TrainingOptions>, backend: TrainRequest['backend']): TrainRequest {
  const { training, ...request } = classification({}, { backend });
  const unit = {
    type: 'dense',
    name: 'p',
    units: 1,
    activation: 'step',
    use_bias: true,
    kernel_initializer: 'zeros',
    bias_initializer: 'zeros',
  };
  return {
    ...request,
    spec: { input_shape: [2], layers: [unit] },
    training: {
      ...training,
      loss: 'perceptron',
      optimizer: { type: 'perceptron', learning_rate: 1 },
      batch_size: 1,
      epochs: 100,
      shuffle: false,
      ...changes,
    },
    data: {
      rows: 4,
      featureWidth: 2,
      features: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1),
      targetWidth: 1,
      targets: Int32Array.from(targets),
    },
    split: { train: Int32Array.of(0, 1, 2, 3), validation: new Int32Array(0), test: new Int32Array(0) },
  };
}

describe.each(BACKENDS)("Rosenblatt's rule on the %s backend", (backend) => {
  it.each([
    ['and', [0, 0, 0, 1]],
    ['or', [0, 1, 1, 1]],
    ['nand', [1, 1, 1, 0]],
  ])('learns %s and ends at the first epoch without an error', (_name, targets) => {
    const { result, reports } = trainToEnd(gate(targets, {}, backend));
    expect(result).toMatchObject({ stop_reason: 'completed', converged: true });
    expect(result.metrics).toMatchObject({ loss: 0, accuracy: 1 });
    expect(reports.length).toBeLessThan(20);
    expect(reports.at(-1)!.metrics['loss']).toBe(0);
    expect(reports.at(-2)!.metrics['loss']).toBeGreaterThan(0);
  });

  it('sees that exclusive or cannot be separated, in a fixed order long before the epochs run out', () => {
    const { result, reports } = trainToEnd(gate([0, 1, 1, 0], {}, backend));
    expect(result).toMatchObject({ stop_reason: 'not_separable', converged: false });
    expect(reports.length).toBeLessThan(20);
    const shuffled = trainToEnd(gate([0, 1, 1, 0], { shuffle: true, epochs: 30 }, backend));
    expect(shuffled.result).toMatchObject({ stop_reason: 'not_separable', converged: false });
    expect(shuffled.reports).toHaveLength(30);
  });

  it('ends the same when it is resumed after any epoch', () => {
    const request = gate([0, 1, 1, 0], {}, backend);
    const whole = trainToEnd(request);
    whole.states.forEach((state, i) => {
      const expected = { ...whole, reports: whole.reports.slice(i + 1) };
      expect(numbersOf(trainToEnd({ ...request, resumeFrom: memoryFile(state) }))).toEqual(numbersOf(expected));
    });
  });
});

describe.each(BACKENDS)('training options on the %s backend', (backend) => {
  it.each<[string, Partial<TrainingOptions>]>([
    ['a schedule', { schedule: { type: 'cosine_decay', alpha: 0, warmup_steps: 4, warmup_target: 0.05 } }],
    [
      'a schedule that looks at results',
      { epochs: 12, schedule: { type: 'reduce_on_plateau', factor: 0.5, patience: 1, min_delta: 0.5, cooldown: 1, min_lr: 0 } },
    ],
    ['nadam', { optimizer: { type: 'nadam', learning_rate: 0.02, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 } }],
    ['clips', { clip_value: 0.01, clip_norm: 0.02, global_clip_norm: 0.03 }],
    ['class weights and smoothed labels', { class_weight: { 0: 3 }, loss: { type: 'categorical_cross_entropy', label_smoothing: 0.1 } }],
    ['collected metrics', { metrics: ['roc_auc', 'f1', 'confusion_matrix', { type: 'top_k_accuracy', k: 2 }] }],
  ])('resumed after any epoch ends bit-identical: %s', (_name, changes) => {
    const request = classification({ epochs: 5, ...changes }, { backend });
    const whole = trainToEnd(request);
    whole.states.forEach((state, i) => {
      const expected = { ...whole, reports: whole.reports.slice(i + 1) };
      expect(numbersOf(trainToEnd({ ...request, resumeFrom: memoryFile(state) }))).toEqual(numbersOf(expected));
    });
  });

  it('lowers the rate when the loss stands still', () => {
    const schedule = { type: 'reduce_on_plateau', factor: 0.5, patience: 1, min_delta: 100, cooldown: 0, min_lr: 0.006 };
    const { reports } = trainToEnd(classification({ epochs: 4, schedule }, { backend }));
    expect(reports.map(({ learning_rate }) => learning_rate)).toEqual([0.02, 0.02, 0.01, 0.006]);
  });

  it('a class is found when it has weight, and is not learned without', () => {
    const recallOf = (weight: number) => {
      const request = classification({ epochs: 30, class_weight: { 0: weight }, metrics: ['confusion_matrix'] }, { backend });
      const [row] = trainToEnd(request).result.matrices['confusion_matrix']!;
      return row![0]! / row!.reduce((sum, count) => sum + count, 0);
    };
    expect(recallOf(20)).toBeGreaterThan(0.9);
    expect(recallOf(0)).toBeLessThan(0.5);
  });

  it('penalties count in the loss and keep weights small', () => {
    const sizeWith = (l2: number) => {
      const request = classification({ epochs: 20 }, { backend });
      const layers = request.spec.layers.map((layer) => (layer.type === 'dense' ? { ...layer, kernel_regularizer: { l1: 0, l2 } } : layer));
      const { result } = trainToEnd({ ...request, spec: { ...request.spec, layers } });
      const squares = result.weights.filter(({ name }) => name.endsWith('/kernel')).flatMap(({ data }) => [...data].map((w) => w * w));
      return { loss: result.metrics['loss']!, squares: squares.reduce((sum, square) => sum + square, 0) };
    };
    const [free, held] = [sizeWith(0), sizeWith(0.05)];
    expect(held.squares).toBeLessThan(free.squares / 2);
    expect(held.loss).toBeGreaterThan(0.05 * held.squares);
  });

  it('a divergence names layer, tensor and rows', () => {
    const request = classification({ shuffle: false }, { backend });
    request.data.features[20 * 4] = Number.NaN;
    const { result } = trainToEnd(request);
    expect(result.divergence).toMatchObject({ step: 1, layer: 'x', tensor: 'x', rows: [20] });
    const optimizer = { type: 'sgd', learning_rate: 1e30, momentum: 0, nesterov: false };
    const exploded = trainToEnd(classification({ optimizer }, { backend })).result;
    expect(exploded.divergence!.layer).toMatch(/hidden|out/);
    expect(exploded.divergence!.detail).toContain(exploded.divergence!.layer!);
    expect(exploded.converged).toBe(false);
  });

  it('tells how the layers are doing when asked, without changing the numbers', () => {
    const request = classification({ epochs: 3 }, { backend });
    const plain = trainToEnd(request);
    const told = trainToEnd({ ...request, diagnostics: true });
    expect(numbersOf(told).result).toEqual(numbersOf(plain).result);
    const hidden = told.reports[0]!.layers!.find(({ layer }) => layer === 'hidden')!;
    expect(hidden.gradient_norm).toBeGreaterThan(0);
    expect(hidden.update_ratio).toBeGreaterThan(0);
    expect(hidden.update_ratio).toBeLessThan(1);
    expect(hidden.activation_std).toBeGreaterThan(0);
  });

  it('sweeps the learning rate and suggests one below where the loss turns up', () => {
    const range = { min_learning_rate: 1e-5, max_learning_rate: 10, iterations: 120 };
    const request = classification({ optimizer: { type: 'sgd', learning_rate: 0.1, momentum: 0, nesterov: false } }, { backend });
    const { points, suggested_learning_rate } = testLearningRates(request, range);
    expect(points[0]!.learning_rate).toBe(1e-5);
    expect(suggested_learning_rate).toBeGreaterThan(0.01);
    expect(suggested_learning_rate).toBeLessThan(10);
    Atomics.store(request.control, CONTROL.stop, 1);
    expect(testLearningRates(request, range)).toMatchObject({ points: [], suggested_learning_rate: null, stop_reason: 'stopped' });
  });
});
