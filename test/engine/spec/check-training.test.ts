import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyPatch } from '../../../src/engine/json-patch.ts';
import { checkSpec } from '../../../src/engine/spec/check-spec.ts';
import { checkTraining, type TrainingCheck } from '../../../src/engine/spec/check-training.ts';
import type { TargetSignature, Task } from '../../../src/engine/spec/model-spec.ts';

const limits = { layersMax: 20, parametersMax: 1e6, arenaBytesMax: 1e8 };
const classes: TargetSignature = { kind: 'classes', classes: 3 };
const numbers: TargetSignature = { kind: 'numbers', outputs: 1 };

const reportOf = (units: number, activation: string, target: TargetSignature) =>
  checkSpec({ spec: { layers: [{ type: 'dense', units, activation }] }, data: { features: 4, target }, limits });
const classifier: Omit<TrainingCheck, 'training'> = {
  report: reportOf(3, 'softmax', classes),
  target: classes,
  task: 'classification',
  validation: true,
  limits: { epochsMax: 1000 },
};
const regressor: Omit<TrainingCheck, 'training'> = {
  ...classifier,
  report: reportOf(1, 'linear', numbers),
  target: numbers,
  task: 'regression',
};

const summary = (faults: readonly { pointer: string; code: string }[]) => faults.map(({ pointer, code }) => `${pointer} ${code}`);

describe('defaults', () => {
  test('are those of the contract', () => {
    const { faults, warnings, training } = checkTraining({ ...classifier, training: { epochs: 5 } });
    expect([...faults, ...warnings]).toEqual([]);
    expect(training).toEqual({
      epochs: 5,
      batch_size: 32,
      loss: 'sparse_categorical_cross_entropy',
      optimizer: { type: 'adam', learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false },
      metrics: ['accuracy'],
      schedule: null,
      clip_value: null,
      clip_norm: null,
      global_clip_norm: null,
      class_weight: null,
      sample_weight_column: null,
      seed: 0,
      shuffle: true,
      early_stopping: null,
      checkpoint: { every_epochs: 1, every_seconds: null, keep: 2 },
      threads: 1,
      on_divergence: 'stop',
    });
  });

  test('of loss and metrics follow output and target', () => {
    expect(checkTraining({ ...regressor, training: { epochs: 1 } }).training).toMatchObject({
      loss: 'mean_squared_error',
      metrics: ['mean_absolute_error'],
    });
    const two: TargetSignature = { kind: 'classes', classes: 2 };
    const yesNo = { ...classifier, report: reportOf(1, 'sigmoid', two), target: two, training: { epochs: 1 } };
    expect(checkTraining(yesNo).training).toMatchObject({ loss: 'binary_cross_entropy', metrics: ['accuracy'] });
    const { target: _target, ...untargeted } = yesNo;
    expect(checkTraining(untargeted).training).toMatchObject({ loss: 'binary_cross_entropy' });
  });

  test('of early stopping watch the validation loss, or the loss where there is no validation part', () => {
    const training = { epochs: 1, early_stopping: { patience: 2 } };
    expect(checkTraining({ ...classifier, training }).training?.early_stopping).toEqual({
      metric: 'val_loss',
      patience: 2,
      min_delta: 0,
      restore_best: true,
    });
    expect(checkTraining({ ...classifier, validation: false, training }).training?.early_stopping?.metric).toBe('loss');
  });

  test('leave what was given as it is', () => {
    const training = {
      epochs: 7,
      batch_size: 8,
      loss: 'categorical_cross_entropy',
      optimizer: { type: 'sgd', learning_rate: 0.5, momentum: 0.9, nesterov: true },
      metrics: [],
      schedule: { type: 'one_cycle', pct_start: 0.5, div_factor: 10, final_div_factor: 100, anneal_strategy: 'linear' },
      clip_value: 2,
      clip_norm: 1,
      global_clip_norm: 3,
      class_weight: { 0: 2, 2: 0.5 },
      sample_weight_column: 'weight',
      seed: 2 ** 53 - 1,
      shuffle: false,
      early_stopping: { metric: 'val_loss', patience: 0, min_delta: 0.1, restore_best: false },
      checkpoint: { every_epochs: 3, every_seconds: 60, keep: 4 },
      threads: 1,
      on_divergence: 'stop',
    };
    expect(checkTraining({ ...classifier, weightColumns: ['weight'], training }).training).toEqual(training);
  });

  test('of losses, metrics and schedules are filled in where options are given', () => {
    const training = {
      epochs: 1,
      loss: { type: 'categorical_cross_entropy', label_smoothing: 0.1 },
      metrics: ['f1', { type: 'top_k_accuracy', k: 2 }],
      schedule: { type: 'reduce_on_plateau', factor: 0.5 },
    };
    expect(checkTraining({ ...classifier, training }).training).toMatchObject({
      loss: { type: 'categorical_cross_entropy', label_smoothing: 0.1, from_logits: false },
      metrics: ['f1', { type: 'top_k_accuracy', k: 2 }],
      schedule: { type: 'reduce_on_plateau', factor: 0.5, patience: 10, min_delta: 1e-4, cooldown: 0, min_lr: 0 },
    });
  });

  test('stay the same when they are checked again', () => {
    const { training } = checkTraining({ ...classifier, training: { epochs: 5, early_stopping: {} } });
    expect(checkTraining({ ...classifier, training }).training).toEqual(training);
  });
});

describe('one fault', () => {
  test.each<{ name: string; training: unknown; fault: string; mended?: boolean }>([
    { name: 'no object', training: 5, fault: ' wrong_type' },
    { name: 'no epochs', training: {}, fault: '/epochs missing_field' },
    { name: 'epochs as text', training: { epochs: '5' }, fault: '/epochs wrong_type', mended: true },
    { name: 'epochs beyond the limit', training: { epochs: 1001 }, fault: '/epochs limit_exceeded', mended: true },
    { name: 'no batch', training: { epochs: 1, batch_size: 0 }, fault: '/batch_size out_of_range', mended: true },
    { name: 'null for a number', training: { epochs: 1, batch_size: null }, fault: '/batch_size wrong_type', mended: true },
    { name: 'a seed that is not exact', training: { epochs: 1, seed: 2 ** 53 }, fault: '/seed out_of_range', mended: true },
    { name: 'a negative seed', training: { epochs: 1, seed: -1 }, fault: '/seed out_of_range', mended: true },
    { name: 'an unknown loss', training: { epochs: 1, loss: 'scce' }, fault: '/loss not_one_of', mended: true },
    { name: 'a loss for other targets', training: { epochs: 1, loss: 'mean_squared_error' }, fault: '/loss loss_mismatch', mended: true },
    {
      name: 'a metric for other targets',
      training: { epochs: 1, metrics: ['mean_absolute_error'] },
      fault: '/metrics/0 metric_mismatch',
      mended: true,
    },
    { name: 'a repeated metric', training: { epochs: 1, metrics: ['accuracy', 'accuracy'] }, fault: '/metrics duplicate_value' },
    {
      name: 'an unknown optimizer',
      training: { epochs: 1, optimizer: { type: 'Adma' } },
      fault: '/optimizer/type not_one_of',
      mended: true,
    },
    {
      name: 'an option of another optimizer',
      training: { epochs: 1, optimizer: { type: 'adam', momentum: 0.9 } },
      fault: '/optimizer/momentum unknown_field',
      mended: true,
    },
    {
      name: 'a learning rate of zero',
      training: { epochs: 1, optimizer: { type: 'sgd', learning_rate: 0 } },
      fault: '/optimizer/learning_rate out_of_range',
    },
    { name: 'more threads than there can be', training: { epochs: 1, threads: 65 }, fault: '/threads out_of_range' },
    {
      name: 'a metric to watch that is not computed',
      training: { epochs: 1, early_stopping: { metric: 'val_acc' } },
      fault: '/early_stopping/metric metric_mismatch',
      mended: true,
    },
    { name: 'a bound of zero', training: { epochs: 1, clip_norm: 0 }, fault: '/clip_norm out_of_range' },
    {
      name: 'an unknown schedule',
      training: { epochs: 1, schedule: { type: 'one_cycles' } },
      fault: '/schedule/type not_one_of',
      mended: true,
    },
    {
      name: 'as many values as boundaries',
      training: { epochs: 1, schedule: { type: 'piecewise_constant', boundaries: [1, 2], values: [0.1, 0.2] } },
      fault: '/schedule/values schedule_mismatch',
    },
    {
      name: 'a plateau of a metric that is not computed',
      training: { epochs: 1, schedule: { type: 'reduce_on_plateau', metric: 'val_acc' } },
      fault: '/schedule/metric metric_mismatch',
      mended: true,
    },
    {
      name: 'a table to watch',
      training: { epochs: 1, metrics: ['confusion_matrix'], early_stopping: { metric: 'confusion_matrix' } },
      fault: '/early_stopping/metric metric_mismatch',
    },
    {
      name: 'a weight for no class',
      training: { epochs: 1, class_weight: { 3: 2 } },
      fault: '/class_weight/3 unknown_class',
      mended: true,
    },
    {
      name: 'a column of weights that is not there',
      training: { epochs: 1, sample_weight_column: 'w' },
      fault: '/sample_weight_column weights_unavailable',
      mended: true,
    },
    {
      name: 'the perceptron rule for another network',
      training: { epochs: 1, optimizer: { type: 'perceptron' } },
      fault: '/optimizer/type optimizer_mismatch',
      mended: true,
    },
  ])('$name', ({ training, fault, mended }) => {
    const report = checkTraining({ ...classifier, training });
    expect(summary(report.faults)).toEqual([fault]);
    expect(report.training).toBeNull();
    const repaired = report.faults.reduce<unknown>((options, { suggestion }) => applyPatch(options, suggestion ?? []), training);
    if (mended) expect(checkTraining({ ...classifier, training: repaired }).faults).toEqual([]);
  });

  test('a validation metric cannot be watched without a validation part', () => {
    const training = { epochs: 1, early_stopping: { metric: 'val_loss' } };
    expect(summary(checkTraining({ ...classifier, validation: false, training }).faults)).toEqual([
      '/early_stopping/metric metric_mismatch',
    ]);
  });
});

test('faults of structure and of meaning come together', () => {
  const training = { epochs: '5', loss: 'mean_squared_error', metrics: ['mean_absolute_error'], batch_sise: 8, schedule: {} };
  expect(summary(checkTraining({ ...classifier, training }).faults).sort()).toEqual([
    '/batch_sise unknown_field',
    '/epochs wrong_type',
    '/loss loss_mismatch',
    '/metrics/0 metric_mismatch',
    '/schedule/type missing_field',
  ]);
});

test('the loss is not blamed for a network that does not fit', () => {
  const report = reportOf(4, 'softmax', classes);
  expect(checkTraining({ ...classifier, report, training: { epochs: 1 } }).faults).toEqual([]);
});

test('legal but doubtful options are warned about', () => {
  const two: TargetSignature = { kind: 'classes', classes: 2 };
  const tanh = { ...regressor, report: reportOf(1, 'tanh', numbers), target: numbers };
  expect(summary(checkTraining({ ...tanh, training: { epochs: 1, loss: 'binary_cross_entropy' } }).warnings)).toEqual([
    '/loss unbounded_probabilities',
  ]);
  const small = { ...classifier, report: reportOf(2, 'softmax', two), target: two, rows: 10 };
  expect(summary(checkTraining({ ...small, training: { epochs: 1, batch_size: 11 } }).warnings)).toEqual([
    '/batch_size batch_larger_than_data',
  ]);
});

test('any JSON is answered with faults or options, never with an exception', () => {
  const field = fc.constantFrom('epochs', 'loss', 'optimizer', 'metrics', 'early_stopping', 'seed', '__proto__', 'constructor', 'schedule');
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom(1, 'auto', 'adam', ['accuracy'], { type: 'sgd' }, { metric: 'loss' }));
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.dictionary(field, value)),
      fc.constantFrom<Task>('classification', 'regression'),
      (training, task) => {
        const report = checkTraining({ ...(task === 'classification' ? classifier : regressor), training });
        expect(report.training === null).toBe(report.faults.length > 0);
      },
    ),
    { numRuns: 300 },
  );
});
