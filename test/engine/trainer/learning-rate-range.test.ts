import { describe, expect, it } from 'vitest';
import { CONTROL, STOP } from '../../../src/engine/backends/backend.ts';
import { testLearningRates } from '../../../src/engine/trainer/learning-rate-range.ts';
import { DEFAULT_RANGE } from '../../../src/engine/trainer/learning-rate-sweep.ts';
import { evaluate } from '../../../src/engine/trainer/trainer.ts';
import type { TrainingOptions } from '../../../src/engine/trainer/training.ts';
import { memoryFile } from '../../../src/engine/weights/safetensors.ts';
import { classification, type HeldRequest, numbersOf, trainToEnd } from './iris-like.ts';

const adam = (learning_rate: number | 'auto') => ({ type: 'adam', learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 });

/** A new job with words of its own to stop and to count by. */
function job(learning_rate: number | 'auto', changes: Partial<TrainingOptions> = {}, request: Partial<HeldRequest> = {}): HeldRequest {
  return classification({ optimizer: adam(learning_rate), ...changes }, request);
}

describe('a learning rate range test', () => {
  it('gives a row per update, and the smoothed loss that the rows give', () => {
    const { points, stop_reason } = testLearningRates(job(1), { ...DEFAULT_RANGE, max_learning_rate: 0.1, iterations: 20 });
    expect(stop_reason).toBe('completed');
    expect(points).toHaveLength(20);
    // m = 0.9 m + 0.1 loss from 0, divided by 1 - 0.9^k after k rows.
    let mean = 0;
    for (const [k, { loss, smoothed_loss, learning_rate }] of points.entries()) {
      mean = 0.9 * mean + 0.1 * loss;
      expect(smoothed_loss).toBeCloseTo(mean / (1 - 0.9 ** (k + 1)), 12);
      expect(learning_rate).toBeCloseTo(1e-5 * 1e4 ** (k / 19), 12);
    }
  });

  it('suggests a tenth of the rate at which the smoothed loss is lowest', () => {
    const { points, suggested_learning_rate } = testLearningRates(job(1), DEFAULT_RANGE);
    const lowest = points.reduce((best, point) => (point.smoothed_loss < best.smoothed_loss ? point : best));
    expect(lowest.step).toBeGreaterThan(0);
    expect(suggested_learning_rate).toBe(lowest.learning_rate / 10);
  });

  it('ends with the row at which a number is no longer finite', () => {
    const optimizer = { type: 'sgd', learning_rate: 1, momentum: 0, nesterov: false };
    const request = job(1, { optimizer, loss: 'mean_squared_error', metrics: [] }, {});
    const numbers: HeldRequest = {
      ...request,
      task: 'regression',
      spec: { input_shape: [4], layers: [{ ...request.spec.layers[2], name: 'out', type: 'dense', units: 1, activation: 'linear' }] },
      data: { ...request.data, targets: Float32Array.from(request.data.targets) },
    };
    const { points, stop_reason } = testLearningRates(numbers, { min_learning_rate: 1e30, max_learning_rate: 1e38, iterations: 50 });
    expect(stop_reason).toBe('diverged');
    expect(points.length).toBeLessThan(50);
    expect(points.slice(0, -1).map(({ loss }) => loss)).toSatisfy((losses: number[]) => losses.every(Number.isFinite));
  });

  it('counts its updates, and ends when it is told to', () => {
    const request = job(1);
    testLearningRates(request, { ...DEFAULT_RANGE, max_learning_rate: 0.1, iterations: 30 });
    expect(Atomics.load(request.control, CONTROL.steps)).toBe(30);
    Atomics.store(request.control, CONTROL.stop, STOP.abandon);
    expect(testLearningRates(request, DEFAULT_RANGE)).toMatchObject({ stop_reason: 'stopped', points: [] });
  });
});

describe.each(['reference', 'native'] as const)('a training that looks for its own learning rate, %s', (backend) => {
  it('is the training at the rate a range test suggests, to the last bit', () => {
    const suggested = testLearningRates(job('auto', {}, { backend }), DEFAULT_RANGE).suggested_learning_rate;
    if (suggested === null) throw new Error('the loss falls somewhere');
    const request = job('auto', {}, { backend });
    const found = trainToEnd(request);
    expect(found.result.learning_rate).toBe(suggested);
    expect(numbersOf(found)).toEqual(numbersOf(trainToEnd(job(suggested, {}, { backend }))));
    // Progress counts the updates of epochs only.
    expect(Atomics.load(request.control, CONTROL.steps)).toBe(found.reports.at(-1)?.step);
  });

  it('goes on from a state with the rate it had found, without looking again', () => {
    const whole = trainToEnd(job('auto', {}, { backend }));
    const resumed = trainToEnd(job('auto', { seed: 5 }, { backend, resumeFrom: memoryFile(whole.states[3]!) }));
    expect(numbersOf(resumed).result).toEqual(numbersOf(whole).result);
    // Rows on which no test would find the same rate.
    const others = job('auto', {}, { backend, resumeFrom: memoryFile(whole.states[3]!) });
    const changed = { ...others, data: { ...others.data, features: others.data.features.map((x) => x * 100) } };
    expect(trainToEnd(changed).result.learning_rate).toBe(whole.result.learning_rate);
  });

  it('is the base of a schedule', () => {
    const schedule = { type: 'exponential_decay', decay_steps: 4, decay_rate: 0.5, staircase: true };
    const { result, reports } = trainToEnd(job('auto', { schedule, epochs: 2 }, { backend }));
    expect(reports.map(({ learning_rate }) => learning_rate)).toEqual([result.learning_rate, result.learning_rate / 2]);
  });

  it('takes the default of the optimizer where the loss never falls', () => {
    // All rows in every update of weights that do not learn: the loss stays as it is.
    const request = job('auto', { epochs: 1, batch_size: 60 }, { backend });
    const optimizer = { type: 'rmsprop', learning_rate: 'auto' as const, rho: 0.9, epsilon: 1e-7, momentum: 0, centered: false };
    const flat = { ...request, training: { ...request.training, optimizer }, spec: { ...request.spec, layers: flatLayers(request) } };
    expect(trainToEnd(flat).result.learning_rate).toBe(0.001);
  });

  it('is given up before its first epoch when it is told to stop', () => {
    const request = job('auto', {}, { backend });
    Atomics.store(request.control, CONTROL.stop, STOP.abandon);
    expect(trainToEnd(request)).toMatchObject({ reports: [], result: { stop_reason: 'abandoned' } });
  });

  it('does not look when only given weights are measured', () => {
    expect(evaluate(job('auto', {}, { backend })).learning_rate).toBe(0);
  });
});

/** Layers none of which learns. */
function flatLayers({ spec }: HeldRequest) {
  return spec.layers.map((layer) => (layer.type === 'dense' ? { ...layer, trainable: false } : { ...layer, rate: 0 }));
}
