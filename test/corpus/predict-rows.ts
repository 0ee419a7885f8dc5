import type { BadRequest } from './bad-request.ts';

const ROW = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };
const PATH = '/v1/deployments/flowers/predict';
const TYPED = { 'content-type': 'application/json' };

type Case = readonly [id: string, what: string, instances: unknown, pointer: string, fault: string];

const CASES: readonly Case[] = [
  ['P01', 'too few features', [[1, 2, 3]], '/instances/0', 'wrong_length'],
  ['P01', 'too many features', [[1, 2, 3, 4, 5]], '/instances/0', 'wrong_length'],
  ['P01', 'a ragged batch', [[1, 2, 3, 4], [1]], '/instances/1', 'wrong_length'],
  ['P01', 'a batch in a batch', [[[1, 2, 3, 4]]], '/instances/0', 'wrong_length'],
  ['P01', 'no columns', [{}], '/instances/0/sepal_length', 'missing_column'],
  ['P01', 'a misspelt column', [{ ...ROW, petal_width: undefined, petal_widht: 1 }], '/instances/0/petal_widht', 'unknown_column'],
  ['P01', 'members of every object', [{ ...ROW, constructor: 1 }], '/instances/0/constructor', 'unknown_column'],
  ['P01', 'ten thousand empty rows', Array(10_000).fill([]), '/instances/99', 'wrong_length'],
  [
    'P01',
    'sixty thousand columns',
    [Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`k${i}`, 1]))],
    '/instances/0/k0',
    'unknown_column',
  ],
  ...[1, null, 'x', true].map(
    (instance): Case => ['P01', `${JSON.stringify(instance)} for a row`, [instance], '/instances/0', 'wrong_type'],
  ),
  ...['5.1', true, [1], {}, 'NaN', 'Infinity', ''].map(
    (value): Case => [
      'P02',
      `${JSON.stringify(value)} for a number`,
      [{ ...ROW, sepal_length: value }],
      '/instances/0/sepal_length',
      'wrong_type',
    ],
  ),
  ['P02', 'null for a number', [{ ...ROW, sepal_length: null }], '/instances/0/sepal_length', 'missing_value'],
  ['P03', '1e308', [{ ...ROW, sepal_length: 1e308 }], '/instances/0/sepal_length', 'out_of_range'],
];

/** Instances that do not fit the model. */
export const PREDICT_ROWS: readonly BadRequest[] = [
  ...CASES.map(
    ([id, what, instances, pointer, fault]): BadRequest => ({
      id,
      what,
      request: { path: PATH, json: { instances } },
      expect: { status: 422, code: 'input_invalid', pointer, fault },
    }),
  ),
  {
    id: 'P03',
    what: '1e400',
    request: { path: PATH, text: '{"instances":[[1e400,1,1,1]]}', headers: TYPED },
    expect: { status: 422, code: 'input_invalid', pointer: '/instances/0/0', fault: 'out_of_range' },
  },
  {
    id: 'P04',
    what: 'ten thousand and one rows',
    request: { path: PATH, json: { instances: Array(10_001).fill([1, 2, 3, 4]) } },
    expect: { status: 422, code: 'limit_exceeded' },
  },
  {
    id: 'P04',
    what: 'more numbers than a body holds',
    request: { path: PATH, json: { instances: [Array(600_000).fill(1)] } },
    expect: { status: 413, code: 'payload_too_large' },
  },
  {
    id: 'P01',
    what: 'an empty batch',
    request: { path: PATH, json: { instances: [] } },
    expect: { status: 422, code: 'validation_failed', pointer: '/instances' },
  },
  {
    id: 'P01',
    what: 'no batch',
    request: { path: PATH, json: {} },
    expect: { status: 422, code: 'validation_failed', pointer: '/instances' },
  },
  {
    id: 'P01',
    what: 'an object for a batch',
    request: { path: PATH, json: { instances: { 0: ROW } } },
    expect: { status: 422, code: 'validation_failed', pointer: '/instances' },
  },
  {
    id: 'P01',
    what: 'another answer than there is',
    request: { path: PATH, json: { instances: [ROW], return: ['gradients'] } },
    expect: { status: 422, code: 'validation_failed', pointer: '/return/0' },
  },
  {
    id: 'P06',
    what: 'zero with a sign and numbers near it',
    request: { path: PATH, text: '{"instances":[[-0,5e-324,1e-40,1]]}', headers: TYPED },
    expect: { status: 200, code: null },
  },
  {
    id: 'P09',
    what: 'numbers that overflow the network',
    request: { path: PATH, json: { instances: [[1e37, -1e37, 1e37, -1e37]] } },
    expect: { status: 200, code: null },
  },
  {
    id: 'P04',
    what: 'ten thousand rows',
    request: { path: PATH, json: { instances: Array(10_000).fill([1, 2, 3, 4]) } },
    expect: { status: 200, code: null },
  },
];
