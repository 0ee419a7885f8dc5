import { describe, expect, test } from 'vitest';
import { CONTROL, STOP } from '../../../src/engine/backends/backend.ts';
import { selectBackend } from '../../../src/engine/index.ts';
import { testLearningRates } from '../../../src/engine/trainer/learning-rate-range.ts';
import type { HeldData, StoredData, TrainingOptions, TrainRequest } from '../../../src/engine/trainer/training.ts';
import { memoryFile } from '../../../src/engine/weights/safetensors.ts';
import { hasAddon } from '../../native/native-addon.ts';
import { classification, type HeldRequest, numbersOf, trainToEnd } from './iris-like.ts';

/** The same rows given in parts, through buffers that every read overwrites. */
function stored({ features, targets, sampleWeights, ...described }: HeldData, rowsPerRead: number): StoredData & { reads: number[] } {
  const width = described.featureWidth;
  const room = { features: new Float32Array(0), targets: targets.slice(0, 0), weights: new Float32Array(0) };
  const reads: number[] = [];
  const read = (rows: Int32Array) => {
    reads.push(rows.length);
    if (room.targets.length < rows.length) {
      room.features = new Float32Array(rows.length * width);
      room.targets = targets instanceof Int32Array ? new Int32Array(rows.length) : new Float32Array(rows.length);
      room.weights = new Float32Array(rows.length);
    }
    rows.forEach((row, i) => {
      room.features.set(features.subarray(row * width, (row + 1) * width), i * width);
      room.targets[i] = targets[row]!;
      room.weights[i] = sampleWeights?.[row] ?? 0;
    });
    return {
      features: room.features.subarray(0, rows.length * width),
      targets: room.targets.subarray(0, rows.length),
      ...(sampleWeights && { sampleWeights: room.weights.subarray(0, rows.length) }),
    };
  };
  return { ...described, rowsPerRead, read, reads };
}

const weights = Float32Array.from({ length: 90 }, (_, row) => 0.5 + (row % 3));
// 60 training rows: the last batch of 16 is ragged.
const CASES: Readonly<Record<string, Partial<TrainingOptions>>> = {
  'shuffled rows': {},
  'rows in order': { shuffle: false },
  'metrics over all rows at once': { metrics: ['accuracy', 'roc_auc', 'confusion_matrix'] },
  'weights of rows and classes': { sample_weight_column: 'weight', class_weight: { 0: 2, 2: 0.5 } },
  'early stopping': {
    epochs: 40,
    optimizer: { type: 'adam', learning_rate: 0.3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
    early_stopping: { metric: 'val_loss', patience: 2, min_delta: 0, restore_best: true },
  },
  'a schedule by step': { schedule: { type: 'cosine_decay', decay_steps: 20, alpha: 0, warmup_steps: 0, warmup_target: null } },
};

function request(changes: Partial<TrainingOptions>, backend: TrainRequest['backend']): HeldRequest {
  const base = classification(changes, { backend });
  return { ...base, data: { ...base.data, ...(changes.sample_weight_column && { sampleWeights: weights }) } };
}

const backends = hasAddon() && selectBackend('auto').name === 'native' ? (['reference', 'native'] as const) : (['reference'] as const);

describe.each(backends)('data that is read in parts, on the %s backend', (backend) => {
  test.each(Object.keys(CASES))('trains to the bits of data held whole: %s', (name) => {
    const whole = request(CASES[name]!, backend);
    const expected = numbersOf(trainToEnd(whole));
    for (const rowsPerRead of [1, 16, 37, 1000]) {
      const data = stored(whole.data, rowsPerRead);
      expect(numbersOf(trainToEnd({ ...whole, data }))).toEqual(expected);
      expect(Math.max(...data.reads)).toBeLessThanOrEqual(Math.max(rowsPerRead, 60));
    }
  });

  test('goes on from a checkpoint', () => {
    const whole = request({}, backend);
    const { states } = trainToEnd(whole);
    const data = stored(whole.data, 20);
    const resumed = trainToEnd({ ...whole, data, resumeFrom: memoryFile(states[2]!) });
    expect(numbersOf(resumed).result).toEqual(numbersOf(trainToEnd(whole)).result);
  });

  test('tells the diagnostics and the learning rates of data held whole', () => {
    const whole = request({}, backend);
    const data = stored(whole.data, 16);
    const layers = (asked: TrainRequest) => trainToEnd({ ...asked, diagnostics: true }).reports.map((report) => report.layers);
    expect(layers({ ...whole, data })).toEqual(layers(whole));
    const range = { min_learning_rate: 1e-4, max_learning_rate: 1, iterations: 12 };
    expect(testLearningRates({ ...whole, data }, range)).toEqual(testLearningRates(whole, range));
  });
});

describe('data that is read in parts', () => {
  test('asks for no more rows at once than it was told, in whole batches', () => {
    const whole = classification();
    const data = stored(whole.data, 40);
    trainToEnd({ ...whole, data });
    // Training reads 32 + 28 rows; evaluation takes 60 at once, because its batches are as large.
    expect(new Set(data.reads)).toEqual(new Set([1, 32, 28, 20, 60, 10]));
  });

  test('names rows of the data where a value is not finite', () => {
    const base = classification({ shuffle: true });
    const row = base.split.train[37]!;
    const features = base.data.features.slice();
    features[row * 4] = Number.NaN;
    const whole = { ...base, data: { ...base.data, features } };
    const expected = trainToEnd(whole).result;
    const { result } = trainToEnd({ ...whole, data: stored(whole.data, 16) });
    expect(result.divergence).toMatchObject({ rows: [row], layer: 'x' });
    expect(result.divergence).toEqual(expected.divergence);
  });

  test('heeds a request to stop between two reads', () => {
    const whole = classification({ shuffle: false });
    const data = stored(whole.data, 16);
    const control = new Int32Array(new SharedArrayBuffer(CONTROL.words * Int32Array.BYTES_PER_ELEMENT));
    const read = (rows: Int32Array) => {
      if (data.reads.length === 3) Atomics.store(control, CONTROL.stop, STOP.abandon);
      return data.read(rows);
    };
    const { result } = trainToEnd({ ...whole, data: { ...data, read }, control });
    expect(result.stop_reason).toBe('abandoned');
    expect(data.reads).toHaveLength(4);
  });
});
