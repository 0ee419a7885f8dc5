import { describe, expect, it } from 'vitest';
import { CONTROL, STOP } from '../../../src/engine/backends/backend.ts';
import { selectBackend } from '../../../src/engine/backends/select.ts';
import { estimateTraining } from '../../../src/engine/trainer/estimate.ts';
import { planJob } from '../../../src/engine/trainer/job-plan.ts';
import { loadPredictor } from '../../../src/engine/trainer/predictor.ts';
import { train } from '../../../src/engine/trainer/trainer.ts';
import { memoryFile } from '../../../src/engine/weights/safetensors.ts';
import { hasAddon } from '../../native/native-addon.ts';
import { BACKENDS } from '../backends-here.ts';
import { classification, numbersOf, trainToEnd } from './iris-like.ts';

const momentum = { type: 'sgd', learning_rate: 0.05, momentum: 0.9, nesterov: true };
const patient = { metric: 'val_loss', patience: 2, min_delta: 0, restore_best: true };

describe.each(BACKENDS)('training on the %s backend', (backend) => {
  it('learns: the loss falls and most rows are classified', () => {
    const { reports, result } = trainToEnd(classification({ epochs: 40 }, { backend }));
    expect(result.stop_reason).toBe('completed');
    expect(reports.at(-1)!.metrics['loss']!).toBeLessThan(reports[0]!.metrics['loss']! / 2);
    expect(result.metrics['accuracy']).toBeGreaterThan(0.9);
    expect(Object.keys(result.metrics)).toEqual(['loss', 'accuracy', 'val_loss', 'val_accuracy', 'test_loss', 'test_accuracy']);
  });

  it.each([
    ['adam with dropout and shuffling', {}],
    ['momentum', { optimizer: momentum }],
    ['early stopping with best weights', { epochs: 60, early_stopping: patient, optimizer: { ...momentum, learning_rate: 0.3 } }],
  ])('resumed after any epoch ends bit-identical to an uninterrupted run: %s', (_name, changes) => {
    const request = classification(changes, { backend });
    const whole = trainToEnd(request);
    expect(whole.reports.length).toBeGreaterThan(2);
    whole.states.forEach((state, i) => {
      const resumed = trainToEnd({ ...request, resumeFrom: memoryFile(state) });
      const expected = { ...whole, reports: whole.reports.slice(i + 1) };
      expect(numbersOf(resumed)).toEqual(numbersOf(expected));
      expect(resumed.states).toEqual(whole.states.slice(i + 1));
    });
  });

  it.each(['binary_cross_entropy', 'mean_squared_error'])('learns exclusive or with one sigmoid unit and %s', (loss) => {
    const { spec, training, ...request } = classification({}, { backend });
    const [hidden, , out] = spec.layers;
    const all = Int32Array.of(0, 1, 2, 3);
    const { result } = trainToEnd({
      ...request,
      spec: {
        input_shape: [2],
        layers: [
          { ...hidden!, units: 8, activation: 'tanh' },
          { ...out!, units: 1, activation: 'sigmoid' },
        ],
      },
      training: { ...training, loss, epochs: 300, batch_size: 4, optimizer: { ...training.optimizer, learning_rate: 0.1 } },
      data: {
        rows: 4,
        featureWidth: 2,
        features: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1),
        targetWidth: 1,
        targets: Int32Array.of(0, 1, 1, 0),
      },
      split: { train: all, validation: new Int32Array(0), test: new Int32Array(0) },
    });
    expect(result.metrics['accuracy']).toBe(1);
    expect(result.best!.metric).toBe('loss');
  });

  it('repeats itself with the same seed, and differs with another', () => {
    const first = numbersOf(trainToEnd(classification({}, { backend })));
    expect(numbersOf(trainToEnd(classification({}, { backend })))).toEqual(first);
    expect(numbersOf(trainToEnd(classification({ seed: 6 }, { backend })))).not.toEqual(first);
  });

  it('stops before the update when the loss is not finite, and says at which step', () => {
    const request = classification({ optimizer: { type: 'sgd', learning_rate: 1e30, momentum: 0, nesterov: false } }, { backend });
    const { result, reports } = trainToEnd(request);
    expect(result.stop_reason).toBe('divergence');
    expect(result.divergence!.detail).toMatch(/not finite/);
    expect(result.divergence!.step).toBeGreaterThan(0);
    expect(reports).toEqual([]);
  });

  it('stops at a non-finite feature, says where it led to, and leaves the weights as they were', () => {
    const request = classification({}, { backend });
    const few = { ...request, split: { ...request.split, train: Int32Array.of(0, 1, 2) } };
    const untouched = { ...few, control: Int32Array.of(STOP.abandon, 0, 0, 0) };
    const { weights } = trainToEnd(untouched).result;
    request.data.features[request.data.featureWidth] = Number.NaN;
    const { result } = trainToEnd(few);
    expect(result.divergence).toMatchObject({ step: 0, layer: 'x', rows: [1] });
    expect(result.weights).toEqual(weights);
  });

  it('leaves before the next step when it is to abandon the training', () => {
    const request = classification({}, { backend });
    const { result, reports } = trainToEnd(request, ({ epoch }) => {
      if (epoch === 3) Atomics.store(request.control, CONTROL.stop, STOP.abandon);
    });
    expect(result.stop_reason).toBe('abandoned');
    expect(reports).toHaveLength(3);
    expect(Atomics.load(request.control, CONTROL.steps)).toBe(3 * 4);
  });

  it('concludes with the weights of its best epoch and the metrics measured with them', () => {
    const request = classification({}, { backend });
    const { result, reports } = trainToEnd(request, ({ epoch }) => {
      if (epoch === 3) Atomics.store(request.control, CONTROL.stop, STOP.conclude);
    });
    expect(result.stop_reason).toBe('concluded');
    expect(reports).toHaveLength(3);
    expect(Object.keys(result.metrics)).toEqual(['loss', 'accuracy', 'val_loss', 'val_accuracy', 'test_loss', 'test_accuracy']);
    expect(result.metrics['val_loss']).toBe(reports[2]!.metrics['val_loss']);
    expect(Atomics.load(request.control, CONTROL.steps)).toBe(3 * 4);
  });

  it('concludes with its best epoch, too, when later ones were worse and it was resumed after them', () => {
    const optimizer = { ...momentum, learning_rate: 0.3 };
    const request = classification({ epochs: 30, optimizer }, { backend });
    const { reports, states } = trainToEnd(request);
    const losses = reports.map(({ metrics }) => metrics['val_loss']!);
    const lowest = Math.min(...losses);
    expect(losses.at(-1)).toBeGreaterThan(lowest);
    const concluded = states.map((state) => {
      const control = Int32Array.of(STOP.conclude, 0, 0, 0);
      return trainToEnd({ ...request, training: { ...request.training, epochs: 31 }, control, resumeFrom: memoryFile(state) }).result;
    });
    for (const [epoch, { stop_reason, best, metrics }] of concluded.entries()) {
      const least = Math.min(...losses.slice(0, epoch + 1));
      expect([stop_reason, best?.epoch, metrics['val_loss']]).toEqual(['concluded', losses.indexOf(least) + 1, least]);
    }
  });

  it('goes on with other options than those its state was made with, and judges by them alone', () => {
    const request = classification({ epochs: 6, early_stopping: { ...patient, patience: 50 } }, { backend });
    const whole = trainToEnd(request);
    const resumeFrom = memoryFile(whole.states[3]!);
    const early_stopping = { metric: 'val_accuracy', patience: 50, min_delta: 0, restore_best: false };
    const { reports, result } = trainToEnd({ ...request, training: { ...request.training, early_stopping }, resumeFrom });
    const accuracies = reports.map(({ metrics }) => metrics['val_accuracy']!);
    expect(accuracies).toHaveLength(2);
    const value = Math.max(...accuracies);
    expect(result.best).toEqual({ epoch: 5 + accuracies.indexOf(value), metric: 'val_accuracy', value });
    // Without early stopping the last weights count, also if the state has better ones.
    const last = trainToEnd({ ...request, training: { ...request.training, early_stopping: null } });
    const forked = trainToEnd({ ...request, training: { ...request.training, early_stopping: null }, resumeFrom });
    expect(forked.result.weights).toEqual(last.result.weights);
  });

  it('says which backend ran', () => {
    expect(trainToEnd(classification({ epochs: 1 }, { backend })).result.backend).toBe(selectBackend(backend).variant);
  });

  it('predicts what it was evaluated with, whatever the number of rows', () => {
    const { spec, data, split, ...request } = classification({ epochs: 20 }, { backend });
    const { result } = trainToEnd({ spec, data, split, ...request });
    const predictor = loadPredictor({ spec, weights: result.weights, backend });
    const probabilities = predictor.predict(data.features, data.rows);
    const hits = [...split.test].filter((row) => {
      const scores = probabilities.subarray(row * 3, row * 3 + 3);
      return scores.indexOf(Math.max(...scores)) === data.targets[row];
    });
    expect(hits.length / split.test.length).toBeCloseTo(result.metrics['test_accuracy']!, 12);
    const single = predictor.predict(data.features.subarray(70 * 4, 71 * 4), 1);
    const distances = single.map((value, i) => Math.abs(value - probabilities[70 * 3 + i]!));
    expect(Math.max(...distances)).toBeLessThan(1e-6);
  });
});

describe('the trainer', () => {
  it('gives back the weights of the best epoch and the metrics measured with them', () => {
    const optimizer = { ...momentum, learning_rate: 0.3 };
    const { reports, result } = trainToEnd(classification({ epochs: 60, optimizer, early_stopping: patient }));
    expect(result.stop_reason).toBe('early_stopping');
    const smallest = Math.min(...reports.map(({ metrics }) => metrics['val_loss']!));
    expect(result.best).toEqual({ epoch: reports.length - 2, metric: 'val_loss', value: smallest });
    expect(result.metrics['val_loss']).toBe(smallest);
  });

  it('takes a higher accuracy for the better one', () => {
    const early_stopping = { metric: 'val_accuracy', patience: 100, min_delta: 0, restore_best: false };
    const { reports, result } = trainToEnd(classification({ early_stopping }));
    expect(result.best!.value).toBe(Math.max(...reports.map(({ metrics }) => metrics['val_accuracy']!)));
  });

  it('refuses to hand out a state that is no longer there', () => {
    const run = train(classification());
    const first = run.next();
    run.next();
    expect(() => !first.done && first.value.state()).toThrow(/state after epoch 1 is gone/);
  });

  it('refuses the state of another network', () => {
    const { states } = trainToEnd(classification({ epochs: 1 }));
    const other = classification({}, { resumeFrom: memoryFile(states[0]!) });
    const spec = { ...other.spec, layers: other.spec.layers.map((layer) => (layer.name === 'hidden' ? { ...layer, units: 40 } : layer)) };
    expect(() => train({ ...other, spec }).next()).toThrow(/another network/);
  });

  it("reports the absolute error in the column's units", () => {
    const request = classification();
    const targets = Float32Array.from({ length: 90 * 2 }, (_, i) => Math.cos(i));
    const { result } = trainToEnd({
      ...request,
      spec: { input_shape: [4], layers: [{ ...request.spec.layers[2]!, units: 2, activation: 'linear' }] },
      task: 'regression',
      training: { ...request.training, loss: 'mean_squared_error', metrics: ['mean_absolute_error'] },
      data: { ...request.data, targetWidth: 2, targets, targetStd: Float64Array.of(10, 0.5) },
    });
    const spec = { input_shape: [4], layers: [{ ...request.spec.layers[2]!, units: 2, activation: 'linear' }] };
    const predicted = loadPredictor({ spec, weights: result.weights, backend: 'reference' }).predict(request.data.features, 90);
    const errors = [...request.split.test].flatMap((row) =>
      [0, 1].map((j) => Math.abs(predicted[row * 2 + j]! - targets[row * 2 + j]!) * [10, 0.5][j]!),
    );
    expect(result.metrics['test_mean_absolute_error']).toBeCloseTo(errors.reduce((sum, error) => sum + error, 0) / errors.length, 6);
  });
});

describe('the estimate', () => {
  it('names exactly the bytes of the arena and of the best weights, and grows with the epochs', () => {
    const { spec, task, training, data } = classification();
    const estimate = estimateTraining({ spec, task, training, rows: data.rows });
    const { arenaBytes, layout } = planJob({ spec, task, training, rows: data.rows });
    expect(estimate.memory_bytes).toBe(arenaBytes + layout.trainable.bytes + layout.others.bytes);
    const [one, two, three] = [1, 2, 3].map((epochs) =>
      estimateTraining({ spec, task, training: { ...training, epochs }, rows: data.rows }),
    );
    expect(two!.flops - one!.flops).toBeGreaterThan(0);
    expect(three!.flops - two!.flops).toBe(two!.flops - one!.flops);
    expect(three!.seconds_p50).toBeGreaterThan(two!.seconds_p50);
    expect(estimate.seconds_p90).toBeGreaterThan(estimate.seconds_p50);
  });

  it('counts the copy of the arena that diagnostics look at', () => {
    const { spec, task, training, data } = classification();
    const request = { spec, task, training, rows: data.rows };
    const copy = estimateTraining({ ...request, diagnostics: true }).memory_bytes - estimateTraining(request).memory_bytes;
    // All weights, gradients and slots, and beside them the activations of a batch, none in the place of another: the 12 units
    // of `hidden`, before and after relu and dropout, and the 3 of `out`.
    expect(copy).toBeGreaterThan(planJob(request).step.from + training.batch_size * (12 + 3) * 4);
  });

  it('plans networks far too large to allocate', () => {
    const { spec, task, training } = classification();
    const layers = spec.layers.map((layer) => (layer.name === 'hidden' ? { ...layer, units: 1e9 } : layer));
    const { memory_bytes } = estimateTraining({ spec: { ...spec, layers }, task, training, rows: 90 });
    expect(memory_bytes).toBeGreaterThan(1e11);
  });
});

describe('a split', () => {
  it('without a row to train on is refused', () => {
    const request = classification();
    expect(() => train({ ...request, split: { ...request.split, train: new Int32Array(0) } }).next()).toThrow(/no row to train on/);
  });
});

describe('the choice of a backend', () => {
  it('takes the native one where it was built', () => {
    expect(selectBackend('auto').name).toBe(hasAddon() ? 'native' : 'wasm');
    expect(selectBackend('reference').variant).toBe('reference');
  });
});
