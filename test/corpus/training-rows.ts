import type { BadRequest } from './bad-request.ts';

const SPEC = {
  layers: [
    { type: 'dense', units: 8, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
};
const JOB = { dataset: '{iris}', target: 'species', spec: SPEC, training: { epochs: 2 } };

type Case = readonly [id: string, what: string, change: object, pointer: string, fault: string];

const output = { type: 'dense', units: 3, activation: 'softmax' };
const training = (options: object) => ({ training: { epochs: 2, ...options } });
const layers = (...list: unknown[]) => ({ spec: { layers: [...list, output] } });
const optimizer = (options: object) => training({ optimizer: { type: 'adam', ...options } });
const sgd = (options: object) => training({ optimizer: { type: 'sgd', ...options } });
const hidden = (options: object) => layers({ type: 'dense', units: 4, ...options });

const FIELDS: readonly Case[] = [
  ...[null, true, '10', '0x10', [7], {}, ''].map(
    (epochs): Case => ['T01', `epochs ${JSON.stringify(epochs)}`, { training: { epochs } }, '/training/epochs', 'wrong_type'],
  ),
  ...[0, -1].map((epochs): Case => ['T02', `epochs ${epochs}`, { training: { epochs } }, '/training/epochs', 'out_of_range']),
  ['T02', 'epochs 1.5', { training: { epochs: 1.5 } }, '/training/epochs', 'wrong_type'],
  ...[100_001, 1e9, 1e308, 9007199254740992].map(
    (epochs): Case => ['T03', `epochs ${epochs}`, { training: { epochs } }, '/training/epochs', 'limit_exceeded'],
  ),
  ...[0, -1, -0].map(
    (rate): Case => [
      'T04',
      `learning rate ${rate}`,
      optimizer({ learning_rate: rate }),
      '/training/optimizer/learning_rate',
      'out_of_range',
    ],
  ),
  ...['Infinity', 'NaN', null, [0.1], true].map(
    (rate): Case => [
      'T05',
      `learning rate ${JSON.stringify(rate)}`,
      optimizer({ learning_rate: rate }),
      '/training/optimizer/learning_rate',
      'wrong_type',
    ],
  ),
  ['T06', 'learningrate', optimizer({ learningrate: 0.1 }), '/training/optimizer/learningrate', 'unknown_field'],
  ['T06', 'epoch', training({ epoch: 3 }), '/training/epoch', 'unknown_field'],
  ['T12', 'batch of 0', training({ batch_size: 0 }), '/training/batch_size', 'out_of_range'],
  ['T12', 'a batch of 2^31', training({ batch_size: 2 ** 31 }), '/training/batch_size', 'out_of_range'],
  ...[1, 1.5, -0.1].map(
    (momentum): Case => ['T16', `momentum ${momentum}`, sgd({ momentum }), '/training/optimizer/momentum', 'out_of_range'],
  ),
  ['T16', 'beta 1', optimizer({ beta_1: 1 }), '/training/optimizer/beta_1', 'out_of_range'],
  ['T16', 'epsilon 0', optimizer({ epsilon: 0 }), '/training/optimizer/epsilon', 'out_of_range'],
  ['T19', 'seed -1', training({ seed: -1 }), '/training/seed', 'out_of_range'],
  ['T19', 'seed 2^64', training({ seed: 2 ** 64 }), '/training/seed', 'out_of_range'],
  ...[1.5, 'abc', null].map((seed): Case => ['T19', `seed ${seed}`, training({ seed }), '/training/seed', 'wrong_type']),
  ...[0, 1e-9].map(
    (every): Case => [
      'T23',
      `a checkpoint every ${every} epochs`,
      training({ checkpoint: { every_epochs: every } }),
      '/training/checkpoint/every_epochs',
      every === 0 ? 'out_of_range' : 'wrong_type',
    ],
  ),
  ...[0, 101].map(
    (keep): Case => ['T23', `${keep} checkpoints to keep`, training({ checkpoint: { keep } }), '/training/checkpoint/keep', 'out_of_range'],
  ),
  ['T23', 'a checkpoint every -1 s', training({ checkpoint: { every_seconds: -1 } }), '/training/checkpoint/every_seconds', 'out_of_range'],
  ['T24', 'patience -1', training({ early_stopping: { patience: -1 } }), '/training/early_stopping/patience', 'out_of_range'],
  ['T24', 'a metric nobody knows', training({ metrics: ['magic'] }), '/training/metrics/0', 'not_one_of'],
  [
    'T24',
    'watching a metric that is not computed',
    training({ early_stopping: { metric: 'val_magic' } }),
    '/training/early_stopping/metric',
    'metric_mismatch',
  ],
  ['T24', 'the same metric twice', training({ metrics: ['accuracy', 'accuracy'] }), '/training/metrics', 'duplicate_value'],
  ...['constructor', 'toString', '__proto__', 'hasOwnProperty', 'adm', ''].map(
    (type): Case => ['T13', `the optimizer ${type}`, training({ optimizer: { type } }), '/training/optimizer/type', 'not_one_of'],
  ),
  ...['constructor', '__proto__', 'mse'].map(
    (loss): Case => ['T13', `the loss ${loss}`, training({ loss }), '/training/loss', 'not_one_of'],
  ),
  ...['lambda', 'customLoss', 'code', 'module', 'className', 'webhook_url'].map(
    (field): Case => ['T20', `${field} in the training`, training({ [field]: 'x' }), `/training/${field}`, 'unknown_field'],
  ),
  ...[-0.1, 1, 1.5].map(
    (validation): Case => [
      'T18',
      `${validation} of the rows for validation`,
      { split: { validation } },
      '/split/validation',
      'out_of_range',
    ],
  ),
  [
    'T18',
    'watching a validation that has no row',
    { split: { validation: 0.001 }, ...training({ early_stopping: { metric: 'val_loss' } }) },
    '/training/early_stopping/metric',
    'metric_mismatch',
  ],
  ['T18', 'no row left to train on', { split: { train: 1e-9 } }, '/split', 'no_training_rows'],
  ['T25', 'a name of ten thousand characters', { on_success: { model: 'a'.repeat(10_000) } }, '/on_success/model', 'wrong_format'],
  [
    'T25',
    'seventeen notes',
    { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])) },
    '/metadata',
    'wrong_length',
  ],
  ['T25', 'a note in a note', { metadata: { a: { b: 'c' } } }, '/metadata/a', 'wrong_type'],
  ['T25', 'a note of a thousand characters', { metadata: { a: 'x'.repeat(1000) } }, '/metadata/a', 'wrong_length'],
  ['T31', 'a hundred thousand equal features', { features: Array(100_000).fill('a') }, '/features', 'duplicate_value'],
  [
    'T31',
    'ten thousand unknown features',
    { features: Array.from({ length: 10_000 }, (_, i) => `f${i}`) },
    '/features/99',
    'unknown_column',
  ],
  ['T31', 'a hundred thousand targets', { target: Array.from({ length: 100_000 }, (_, i) => `t${i}`) }, '/target', 'wrong_length'],
  ['T28', 'a dataset that is not there', { dataset: 'ds_01J00000000000000000000000' }, '/dataset', 'unknown_dataset'],
  ['T28', 'a path for a dataset', { dataset: '../../etc/passwd' }, '/dataset', 'wrong_format'],
  ['T30', 'a negative limit of time', { limits: { max_seconds: -1 } }, '/limits/max_seconds', 'out_of_range'],
  ['T32', 'more memory than allowed', { limits: { max_memory_bytes: 1000 } }, '/limits/max_memory_bytes', 'limit_exceeded'],
];

const NETWORKS: readonly Case[] = [
  ['T07', 'no layers', { spec: { layers: [] } }, '/spec/layers', 'wrong_length'],
  ['T07', 'five hundred and one layers', layers(...Array(500).fill({ type: 'dense', units: 1 })), '/spec/layers', 'limit_exceeded'],
  ['T07', 'a list for a spec', { spec: [] }, '/spec', 'wrong_type'],
  ['T07', 'no spec', { spec: undefined }, '/spec', 'missing_field'],
  ['T07', 'numbers for layers', layers(1, null, 'dense'), '/spec/layers/1', 'wrong_type'],
  ...[0, -1].map((units): Case => ['T08', `${units} units`, hidden({ units }), '/spec/layers/0/units', 'out_of_range']),
  ...[1.5, '4', null, [4]].map(
    (units): Case => ['T08', `units ${JSON.stringify(units)}`, hidden({ units }), '/spec/layers/0/units', 'wrong_type'],
  ),
  ['T08', 'a billion units', hidden({ units: 1e9 }), '/spec/layers/0', 'limit_exceeded'],
  [
    'T09',
    'a product beyond 2^32',
    layers({ type: 'dense', units: 65_536 }, { type: 'dense', units: 65_536 }),
    '/spec/layers/1',
    'limit_exceeded',
  ],
  [
    'T10',
    'fifty layers that are too large together',
    layers(...Array(50).fill({ type: 'dense', units: 2000 })),
    '/spec/layers/25',
    'limit_exceeded',
  ],
  [
    'T11',
    'a product no integer holds',
    layers({ type: 'dense', units: 2 ** 53 - 1 }, { type: 'dense', units: 2 ** 53 - 1 }),
    '/spec/layers/0',
    'limit_exceeded',
  ],
  [
    'T11',
    'an input beyond every number',
    { spec: { input_shape: Array(8).fill(2 ** 31 - 1), layers: [output] } },
    '/spec/input_shape',
    'limit_exceeded',
  ],
  [
    'T12',
    'activations beyond the memory',
    { ...layers({ type: 'dense', units: 5_000_000 }), ...training({ batch_size: 1000 }) },
    '/spec',
    'limit_exceeded',
  ],
  ...['constructor', 'toString', '__proto__', 'valueOf', 'Dense', 'conv9d', ''].map(
    (type): Case => ['T13', `the layer ${type}`, layers({ type }), '/spec/layers/0/type', 'unknown_layer'],
  ),
  ...['constructor', '__proto__', 'reluu'].map(
    (activation): Case => ['T13', `the activation ${activation}`, hidden({ activation }), '/spec/layers/0/activation', 'not_one_of'],
  ),
  [
    'T13',
    'an initializer that is a member of every object',
    hidden({ kernel_initializer: 'toString' }),
    '/spec/layers/0/kernel_initializer',
    'not_one_of',
  ],
  ['T14', 'a shape the data does not fill', { spec: { input_shape: [5], layers: [output] } }, '/spec/input_shape', 'input_mismatch'],
  ['T14', 'reshaping to another size', layers({ type: 'reshape', target_shape: [3] }), '/spec/layers/0/target_shape', 'shape_mismatch'],
  [
    'T14',
    'reshaping by two unknowns',
    layers({ type: 'reshape', target_shape: [-1, -1] }),
    '/spec/layers/0/target_shape',
    'shape_mismatch',
  ],
  ['T15', 'reshaping to nothing', layers({ type: 'reshape', target_shape: [0] }), '/spec/layers/0/target_shape', 'shape_mismatch'],
  ['T14', 'no flatten', layers({ type: 'reshape', target_shape: [2, 2] }), '/spec/layers/1', 'missing_flatten'],
  ...[1, 1.0000001, -0.1].map(
    (rate): Case => ['T16', `a dropout of ${rate}`, layers({ type: 'dropout', rate }), '/spec/layers/0/rate', 'out_of_range'],
  ),
  [
    'T17',
    'a softmax of one unit',
    { spec: { layers: [{ type: 'dense', units: 1, activation: 'softmax' }] } },
    '/spec/layers/0/units',
    'target_mismatch',
  ],
  [
    'T17',
    'seven outputs for three classes',
    { spec: { layers: [{ type: 'dense', units: 7, activation: 'softmax' }] } },
    '/spec/layers/0/units',
    'target_mismatch',
  ],
  ['T17', 'a regression on names', { task: 'regression' }, '/target', 'target_mismatch'],
  ['T17', 'a loss for numbers on classes', training({ loss: 'binary_cross_entropy' }), '/training/loss', 'loss_mismatch'],
  ['T20', 'a function in a layer', layers({ type: 'lambda', function: 'x => x' }), '/spec/layers/0/type', 'unknown_layer'],
  ['T20', 'code in a layer', hidden({ module: 'os', class_name: 'system' }), '/spec/layers/0/module', 'unknown_field'],
  ['T21', 'a pattern that would take for ever', hidden({ name: `${'a'.repeat(30)}!` }), '/spec/layers/0/name', 'wrong_format'],
  ['T25', 'a layer named by ten thousand characters', hidden({ name: 'x'.repeat(10_000) }), '/spec/layers/0/name', 'wrong_length'],
  ['T25', 'a layer with a path for a name', hidden({ name: '../x' }), '/spec/layers/0/name', 'wrong_format'],
  [
    'T25',
    'two layers of one name',
    layers({ type: 'dense', units: 2, name: 'a' }, { type: 'dense', units: 2, name: 'a' }),
    '/spec/layers/1/name',
    'duplicate_name',
  ],
];

const ONLY_LIMITS = new Set(['limit_exceeded']);

/** Jobs that must not be queued: what `POST /v1/jobs` says to one thing changed in a good request. */
export const TRAINING_ROWS: readonly BadRequest[] = [...FIELDS, ...NETWORKS].map(([id, what, change, pointer, fault]) => ({
  id,
  what,
  request: { path: '/v1/jobs', json: { ...JOB, ...change } },
  expect: { status: 422, code: ONLY_LIMITS.has(fault) ? 'limit_exceeded' : 'spec_invalid', pointer, fault },
}));
