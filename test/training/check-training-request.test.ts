import { beforeAll, describe, expect, test } from 'vitest';
import { importRows } from '../../src/datasets/json-import.ts';
import { type CheckedDataset, checkTrainingRequest } from '../../src/training/check-training-request.ts';
import { importBuiltin } from '../support/builtins.ts';

const ID = 'ds_01J00000000000000000000000';
const limits = { layersMax: 100, parametersMax: 1e6, arenaBytesMax: 1e9, datasetMemoryBytes: 1e8, epochsMax: 1000 };
const softmax = (units: number) => ({ layers: [{ type: 'dense', units, activation: 'softmax' }] });
const linear = { layers: [{ type: 'dense', units: 1 }] };

let iris: CheckedDataset;
beforeAll(async () => {
  const { table, schema } = await importBuiltin('iris');
  iris = { id: ID, rows: table.rows, bytes: 10_000, sha256: 'abc', schema };
});

function fromRows(rows: readonly Record<string, unknown>[]): CheckedDataset {
  const { table, schema, faults } = importRows(rows, { limits: { rowsMax: 1000, columnsMax: 100 } });
  if (table === null) throw new Error(JSON.stringify(faults));
  return { id: ID, rows: table.rows, bytes: 10_000, sha256: 'abc', schema };
}

function check(dataset: CheckedDataset, change: object) {
  const body = { dataset: ID, target: 'species', spec: softmax(3), training: { epochs: 5 }, ...change };
  return checkTrainingRequest({ body, dataset, modelSpec: null, limits });
}

const codes = (faults: readonly { pointer: string; code: string }[]) => faults.map(({ pointer, code }) => `${pointer} ${code}`);

describe('the check of a training request', () => {
  test.each([null, [], 'x', 3])('a body of %j is one fault', (body) => {
    const { faults } = checkTrainingRequest({ body, dataset: null, modelSpec: null, limits });
    expect(codes(faults)).toEqual([' wrong_type']);
  });

  test('names of an object prototype are fields like any other', () => {
    const body: unknown = JSON.parse('{"__proto__":1,"constructor":2,"toString":3}');
    const { faults } = checkTrainingRequest({ body, dataset: null, modelSpec: null, limits });
    expect(codes(faults)).toEqual(
      expect.arrayContaining(['/__proto__ unknown_field', '/constructor unknown_field', '/toString unknown_field']),
    );
  });

  test('missing values in a column that does not say what becomes of them are counted', () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ x: i < 3 ? null : i * 0.5, y: i, species: i % 2 ? 'a' : 'b' }));
    const { faults } = check(fromRows(rows), { spec: softmax(2) });
    expect(faults).toMatchObject([{ pointer: '/dataset', code: 'missing_value', received: 3 }]);
    expect(check(fromRows(rows), { spec: softmax(2), features: ['y'] }).faults).toEqual([]);
  });

  test('a target with one value is refused', () => {
    const rows = Array.from({ length: 10 }, (_, i) => ({ x: i, species: 'a' }));
    expect(codes(check(fromRows(rows), { spec: softmax(2) }).faults)).toContain('/target too_few_classes');
  });

  test('columns that cannot be encoded are left out with a warning, and refused when asked for', () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ x: i, note: `free text number ${i}`, species: i % 2 ? 'a' : 'b' }));
    const { checked } = check(fromRows(rows), { spec: softmax(2) });
    expect(checked?.request.features).toEqual(['x']);
    expect(checked?.warnings).toMatchObject([{ code: 'columns_left_out', received: ['note'] }]);
    expect(codes(check(fromRows(rows), { spec: softmax(2), features: ['x', 'note'] }).faults)).toContain('/features/1 not_encodable');
  });

  test('several numeric targets make a regression, several classes a fault', () => {
    const both = check(iris, { target: ['petal_length', 'petal_width'], spec: { layers: [{ type: 'dense', units: 2 }] } });
    expect([both.checked?.request.task, both.checked?.request.training.metrics]).toEqual(['regression', ['mean_absolute_error']]);
    expect(codes(check(iris, { target: ['species', 'petal_width'] }).faults)).toContain('/target target_mismatch');
  });

  test('a task that is given is kept, and what does not fit it is a fault', () => {
    expect(check(iris, { target: 'petal_width', spec: linear, task: 'regression' }).checked?.request.task).toBe('regression');
    expect(codes(check(iris, { task: 'regression', spec: linear }).faults)).toEqual(['/target target_mismatch']);
  });

  test("the split's seed is the training's unless it has its own", () => {
    expect(check(iris, { training: { epochs: 1, seed: 9 } }).checked?.request.split.seed).toBe(9);
    expect(check(iris, { training: { epochs: 1, seed: 9 }, split: { seed: 4 } }).checked?.request.split.seed).toBe(4);
  });

  test('early stopping on validation needs validation rows', () => {
    const training = { epochs: 5, early_stopping: { metric: 'val_loss', patience: 2 } };
    expect(check(iris, { training }).faults).toEqual([]);
    expect(codes(check(iris, { training, split: { validation: 0 } }).faults)).toEqual(['/training/early_stopping/metric metric_mismatch']);
  });

  test('the spec of a stored model is told of where the body names it', () => {
    const body = { dataset: ID, target: 'species', model: 'net', training: { epochs: 5 } };
    const { faults } = checkTrainingRequest({ body, dataset: iris, modelSpec: softmax(7), limits });
    expect(faults).toMatchObject([{ pointer: '/model', code: 'target_mismatch' }]);
    expect(faults[0]?.detail).toContain('/layers/0/units');
  });

  test('steps are the updates of all epochs', () => {
    expect(check(iris, { training: { epochs: 5, batch_size: 50 } }).checked?.steps).toBe(15);
  });
});
