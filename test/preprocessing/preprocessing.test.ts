import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importRows } from '../../src/datasets/json-import.ts';
import type { RequestedColumn } from '../../src/datasets/table.ts';
import { readRows } from '../../src/datasets/table-rows.ts';
import type { Task } from '../../src/engine/index.ts';
import {
  dataSignature,
  decodeOutputs,
  defaultFeatures,
  encodeFeatures,
  encodeInstances,
  encodeTargets,
  featureWidth,
  fromMetadata,
  learnPreprocessing,
  type Preprocessing,
  signature,
  targetStd,
  toMetadata,
} from '../../src/preprocessing/index.ts';
import { importBuiltin } from '../support/builtins.ts';

const LIMITS = { rowsMax: 10_000, columnsMax: 100 };

interface Learning {
  readonly targets?: readonly string[];
  readonly task?: Task;
  readonly schema?: readonly RequestedColumn[];
  readonly trainRows?: readonly number[];
}

/** Everything beside the targets is a feature; without `trainRows` all rows are training rows. */
function learn(
  rows: readonly Record<string, unknown>[],
  { targets = ['y'], task = 'regression', schema: requested = [], trainRows }: Learning = {},
) {
  const { table, schema, faults } = importRows(rows, { schema: requested, limits: LIMITS });
  if (table === null) throw new Error(JSON.stringify(faults));
  const features = defaultFeatures(schema, targets);
  const training = Int32Array.from(trainRows ?? rows.keys());
  return { table, schema, preprocessing: learnPreprocessing({ table, schema, features, targets, task, trainRows: training }) };
}

function encodedInstances(preprocessing: Preprocessing, instances: readonly unknown[]): Float32Array {
  const encoded = encodeInstances(preprocessing, instances);
  if ('faults' in encoded) throw new Error(JSON.stringify(encoded.faults));
  return encoded.features;
}

function faultsOf(preprocessing: Preprocessing, instances: readonly unknown[]) {
  const encoded = encodeInstances(preprocessing, instances);
  if (!('faults' in encoded)) throw new Error('no faults');
  return encoded.faults;
}

describe('what is learned', () => {
  test('mean and population deviation come from the training rows only', () => {
    const { preprocessing, table } = learn(
      [
        { x: 1, y: 0 },
        { x: 3, y: 0 },
        { x: 1000, y: 5 },
      ],
      { trainRows: [0, 1] },
    );
    expect(preprocessing.features[0]).toMatchObject({ mean: 2, std: 1, min: 1, max: 3, position: 0, width: 1 });
    expect([...encodeFeatures(preprocessing, table)]).toEqual([-1, 1, 998]);
  });

  test('a constant column has deviation 1, also when its mean is not exact', () => {
    const { preprocessing, table } = learn(Array.from({ length: 10 }, () => ({ x: 0.1, y: 0.3 })));
    expect(preprocessing.features[0]).toMatchObject({ mean: 0.1, std: 1 });
    expect([...encodeFeatures(preprocessing, table)]).toEqual(Array(10).fill(0));
    expect(preprocessing.target).toEqual({ kind: 'numbers', columns: [{ name: 'y', mean: 0.3, std: 1 }] });
  });

  test('a large mean does not drown the deviation', () => {
    const { preprocessing } = learn([0, 1, 2, 3].map((step) => ({ x: 1e12 + step, y: step })));
    expect(preprocessing.features[0]?.std).toBeCloseTo(Math.sqrt(1.25), 12);
  });

  test('minmax, index, one-hot and booleans take the places the schema promises', () => {
    const schema = [
      { name: 'm', encode: 'minmax' as const },
      { name: 'i', encode: 'index' as const },
      { name: 'u', unknown: 'bucket' as const },
    ];
    const rows = [
      { m: 2, i: 'b', u: 'p', b: true, y: 1 },
      { m: 4, i: 'a', u: 'q', b: false, y: 2 },
    ];
    const { preprocessing, table, schema: columns } = learn(rows, { schema });
    const { data } = dataSignature({ schema: columns, features: ['m', 'i', 'u', 'b'], targets: ['y'], task: 'regression' });
    expect(data).toEqual({ features: 6, target: { kind: 'numbers', outputs: 1 } });
    expect(featureWidth(preprocessing)).toBe(6);
    expect([...encodeFeatures(preprocessing, table)]).toEqual([0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0]);
    expect([...encodedInstances(preprocessing, [{ m: 3, i: 'a', u: 'never seen', b: true }])]).toEqual([0.5, 0, 0, 0, 1, 1]);
  });

  test.each([
    ['mean', 3, 3],
    ['median', 2, 2],
    ['constant', 7, 7],
  ] as const)('a missing number becomes the %s of the training rows', (missing, _, fill) => {
    const schema = [{ name: 'x', missing, encode: 'none' as const, ...(missing === 'constant' && { fill: 7 }) }];
    const rows = [{ x: 1 }, { x: 2 }, { x: 6 }, { x: null }, { x: 100 }].map((row) => ({ ...row, y: 0 }));
    const { preprocessing, table } = learn(rows, { schema, trainRows: [0, 1, 2, 3] });
    expect([...encodeFeatures(preprocessing, table)]).toEqual([1, 2, 6, fill, 100]);
    expect([...encodedInstances(preprocessing, [{ x: null }, {}])]).toEqual([fill, fill]);
  });

  test('a missing or unknown category becomes the most frequent one where asked for', () => {
    const schema = [{ name: 'c', missing: 'mode' as const, unknown: 'mode' as const }];
    const { preprocessing, table } = learn(
      [{ c: 'b' }, { c: 'b' }, { c: 'a' }, { c: null }].map((row) => ({ ...row, y: 0 })),
      { schema },
    );
    expect([...encodeFeatures(preprocessing, table)]).toEqual([0, 1, 0, 1, 1, 0, 0, 1]);
    expect([...encodedInstances(preprocessing, [{ c: 'z' }, {}])]).toEqual([0, 1, 0, 1]);
  });

  test('a missing value without a policy is never encoded silently', () => {
    const { preprocessing, table } = learn(
      [
        { x: 1, y: 0 },
        { x: null, y: 0 },
      ],
      { trainRows: [0] },
    );
    expect(() => encodeFeatures(preprocessing, table)).toThrow('no value in row 2');
  });
});

describe('targets', () => {
  test.each([
    [
      ['b', 'a', 'b'],
      ['a', 'b'],
      [1, 0, 1],
    ],
    [
      [10, 9, 10],
      [9, 10],
      [1, 0, 1],
    ],
    [
      [true, false, true],
      [false, true],
      [1, 0, 1],
    ],
  ])('classes of %j are sorted and keep their JSON type', (values, labels, encoded) => {
    const { preprocessing, table } = learn(
      values.map((y, x) => ({ x, y })),
      { task: 'classification' },
    );
    expect(preprocessing.target).toEqual({ kind: 'classes', column: 'y', labels });
    expect(encodeTargets(preprocessing, table)).toEqual(Int32Array.from(encoded));
  });

  test('classes only held-out rows have are classes', () => {
    const { preprocessing } = learn(
      [
        { x: 1, y: 3 },
        { x: 2, y: 1 },
      ],
      { task: 'classification', trainRows: [0] },
    );
    expect(preprocessing.target).toMatchObject({ labels: [1, 3] });
  });

  test('numbers are standardised and come back in their units', () => {
    const rows = [
      { x: 1, y: 10, z: 1 },
      { x: 2, y: 30, z: 5 },
    ];
    const { preprocessing, table } = learn(rows, { targets: ['y', 'z'] });
    const targets = encodeTargets(preprocessing, table);
    expect([...targets]).toEqual([-1, -1, 1, 1]);
    expect(targetStd(preprocessing)).toEqual(Float64Array.from([10, 2]));
    const decoded = decodeOutputs({ preprocessing, output: Float32Array.from(targets), rows: 2, width: 2, probabilities: false });
    expect(decoded).toEqual([{ values: { y: 10, z: 1 } }, { values: { y: 30, z: 5 } }]);
  });

  test('several outputs give a label and every probability, one sigmoid unit both classes', () => {
    const { preprocessing } = learn(
      [
        { x: 1, y: 'no' },
        { x: 2, y: 'yes' },
      ],
      { task: 'classification' },
    );
    const decode = (output: number[], width: number) =>
      decodeOutputs({ preprocessing, output: Float32Array.from(output), rows: output.length / width, width, probabilities: true });
    expect(decode([0.25, 0.75], 2)).toEqual([{ label: 'yes', probabilities: { no: 0.25, yes: 0.75 } }]);
    expect(decode([0.25, 0.75], 1)).toEqual([
      { label: 'no', probabilities: { no: 0.75, yes: 0.25 } },
      { label: 'yes', probabilities: { no: 0.25, yes: 0.75 } },
    ]);
  });

  test('a prediction that is no number says so', () => {
    const { preprocessing } = learn([
      { x: 1, y: 1 },
      { x: 2, y: 2 },
    ]);
    const [prediction] = decodeOutputs({ preprocessing, output: Float32Array.of(Number.NaN), rows: 1, width: 1, probabilities: false });
    expect(prediction).toEqual({ value: null, non_finite: { value: 'NaN' } });
  });
});

describe('the same rows', () => {
  test.each(['iris', 'digits', 'xor'] as const)('of %s get the same bits from the table and as instances of a prediction', async (name) => {
    const { table, schema } = await importBuiltin(name);
    const target = schema.at(-1)?.name ?? '';
    const features = defaultFeatures(schema, [target]);
    const trainRows = Int32Array.from({ length: Math.ceil(table.rows / 2) }, (_, row) => row * 2).filter((row) => row < table.rows);
    const preprocessing = learnPreprocessing({ table, schema, features, targets: [target], task: 'classification', trainRows });
    const encoded = encodeFeatures(preprocessing, table);
    const rows = readRows(table, schema, 0, table.rows);
    const objects = rows.map(({ [target]: _, ...instance }) => instance);
    expect(encodedInstances(preprocessing, objects)).toEqual(encoded);
    expect(encodedInstances(fromMetadata(JSON.parse(JSON.stringify(toMetadata(preprocessing)))), objects.map(Object.values))).toEqual(
      encoded,
    );
  });

  test('survive metadata as JSON and prediction bit by bit, whatever the numbers', () => {
    const number = fc.double({ min: -1e30, max: 1e30, noNaN: true }).map((value) => value + 0);
    const row = fc.record({ a: number, b: fc.constantFrom('x', 'y', 'z'), c: fc.boolean(), y: number });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 20 }), (rows) => {
        const { preprocessing, table } = learn(rows, {
          schema: [
            { name: 'a', type: 'number' },
            { name: 'y', type: 'number' },
          ],
        });
        const again = fromMetadata(JSON.parse(JSON.stringify(toMetadata(preprocessing))));
        expect(again).toEqual(preprocessing);
        const instances = rows.map(({ y: _, ...instance }) => instance);
        expect(encodedInstances(again, instances)).toEqual(encodeFeatures(preprocessing, table));
      }),
    );
  });

  test('metadata that was not written by us is refused', () => {
    expect(() => fromMetadata({ preprocessing: [{ name: 'x' }], target: {} })).toThrow('not preprocessing metadata');
  });
});

describe('instances of a prediction', () => {
  const rows = [
    { petal_length: 1, petal_width: 2, color: 'red', y: 0 },
    { petal_length: 2, petal_width: 5, color: 'blue', y: 1 },
  ];

  test('every wrong, missing and unknown column is a fault with its row', () => {
    const { preprocessing } = learn(rows);
    const faults = faultsOf(preprocessing, [
      { petal_length: 1, petal_width: 1, color: 'red' },
      { petal_lenght: 1, petal_width: '2', color: 'bleu' },
      { petal_length: null, petal_width: true, color: 3, weight: 1 },
      [1, 2],
      7,
    ]);
    expect(faults).toMatchObject([
      {
        pointer: '/instances/1/petal_lenght',
        code: 'unknown_column',
        suggestion: [
          { op: 'remove', path: '/instances/1/petal_lenght' },
          { op: 'add', path: '/instances/1/petal_length', value: 1 },
        ],
      },
      {
        pointer: '/instances/1/petal_width',
        code: 'wrong_type',
        expected: 'number',
        suggestion: [{ op: 'replace', path: '/instances/1/petal_width', value: 2 }],
      },
      {
        pointer: '/instances/1/color',
        code: 'unknown_category',
        suggestion: [{ op: 'replace', path: '/instances/1/color', value: 'blue' }],
      },
      { pointer: '/instances/2/petal_length', code: 'missing_value' },
      { pointer: '/instances/2/petal_width', code: 'wrong_type' },
      { pointer: '/instances/2/color', code: 'wrong_type' },
      { pointer: '/instances/2/weight', code: 'unknown_column', suggestion: [{ op: 'remove', path: '/instances/2/weight' }] },
      { pointer: '/instances/3', code: 'wrong_length', expected: 3, received: 2 },
      { pointer: '/instances/4', code: 'wrong_type' },
    ]);
    expect(faults).toHaveLength(9);
  });

  test('an absent column that resembles nothing is missing', () => {
    const { preprocessing } = learn(rows);
    expect(faultsOf(preprocessing, [{ color: 'red', petal_width: 1 }])).toMatchObject([
      { pointer: '/instances/0/petal_length', code: 'missing_column' },
    ]);
  });

  test('a number out of the range of the encoding is a fault, not an infinity', () => {
    const { preprocessing } = learn(rows);
    expect(faultsOf(preprocessing, [{ petal_length: 1e300, petal_width: 1, color: 'red' }])).toMatchObject([{ code: 'out_of_range' }]);
  });

  test('fractions are taken where the training rows happened to hold whole numbers', () => {
    const { preprocessing } = learn(rows);
    expect(encodedInstances(preprocessing, [{ petal_length: 1.5, petal_width: 3.5, color: 'red' }]).slice(0, 2)).toEqual(
      Float32Array.of(0, 0),
    );
  });

  test('a datetime counts in seconds, from texts only', () => {
    const dated = ['2026-01-01', '2026-01-02T00:00:00Z'].map((at, y) => ({ at, y }));
    const { preprocessing, table } = learn(dated);
    expect([...encodeFeatures(preprocessing, table)]).toEqual([-1, 1]);
    expect([...encodedInstances(preprocessing, [{ at: '2026-01-01T13:00:00+01:00' }])]).toEqual([0]);
    expect(faultsOf(preprocessing, [{ at: 'tomorrow' }, { at: 5 }])).toMatchObject([{ code: 'wrong_format' }, { code: 'wrong_type' }]);
  });

  test('the signature describes what is taken and given', () => {
    const { preprocessing } = learn(rows, { schema: [{ name: 'petal_width', missing: 'mean' }] });
    expect(signature(preprocessing, [1])).toEqual({
      input: {
        type: 'object',
        properties: {
          petal_length: { type: 'number' },
          petal_width: { type: ['number', 'null'] },
          color: { type: 'string', enum: ['blue', 'red'] },
        },
        required: ['petal_length', 'color'],
        additionalProperties: false,
      },
      output: { type: 'object', properties: { value: { type: ['number', 'null'] } }, required: ['value'] },
      tensors: { input: { dtype: 'float32', shape: [null, 4] }, output: { dtype: 'float32', shape: [null, 1] } },
    });
  });
});

describe('the choice of columns', () => {
  const { schema } = importRows(
    [
      { length: 1, color: 'red', note: null, grade: 1 },
      { length: null, color: 'blue', note: null, grade: 2 },
    ],
    { limits: LIMITS },
  );

  test('unknown columns, the target among the features, text and missing values are all told', () => {
    const { faults } = dataSignature({ schema, features: ['lenght', 'length', 'note', 'grade'], targets: ['grade'], task: 'regression' });
    expect(faults).toMatchObject([
      { pointer: '/features/0', code: 'unknown_column', suggestion: [{ op: 'replace', path: '/features/0', value: 'length' }] },
      { pointer: '/features/1', code: 'missing_value', received: 1 },
      { pointer: '/features/2', code: 'not_encodable' },
      { pointer: '/features/3', code: 'target_among_features' },
    ]);
  });

  test('a target that does not fit the task is told', () => {
    expect(dataSignature({ schema, features: ['grade'], targets: ['color'], task: 'regression' }).faults).toMatchObject([
      { pointer: '/target', code: 'target_mismatch' },
    ]);
    expect(dataSignature({ schema, features: ['grade'], targets: ['color'], task: 'classification' }).data?.target).toEqual({
      kind: 'classes',
      classes: 2,
      labels: ['blue', 'red'],
    });
  });
});
