import { describe, expect, test } from 'vitest';
import { importRows } from '../../src/datasets/json-import.ts';
import { type CheckedDataset, checkTrainingRequest } from '../../src/training/check-training-request.ts';

const ID = 'ds_01J00000000000000000000000';
const LIMITS = { layersMax: 100, parametersMax: 1e6, arenaBytesMax: 1e9, datasetMemoryBytes: 1e8, epochsMax: 1000 };
const ROWS = Array.from({ length: 100 }, (_, at) => ({ at, x: Math.sin(at), y: at % 7, word: [at % 3, 1] }));

function dataset(rows: readonly object[] = ROWS): CheckedDataset {
  const { table, schema, faults } = importRows(rows, { limits: { rowsMax: 1000, columnsMax: 100 } });
  if (table === null) throw new Error(JSON.stringify(faults));
  return { id: ID, rows: table.rows, bytes: 10_000, sha256: 'abc', schema };
}

function check(change: object, limits = LIMITS) {
  const body = {
    dataset: ID,
    target: 'x',
    features: ['x', 'y'],
    spec: {
      layers: [
        { type: 'lstm', units: 4 },
        { type: 'dense', units: 1 },
      ],
    },
    window: { history: 10, order_by: 'at' },
    training: { epochs: 5, batch_size: 8 },
    ...change,
  };
  const { faults, checked } = checkTrainingRequest({ body, dataset: dataset(), modelSpec: null, limits });
  return { faults: faults.map(({ pointer, code }) => `${pointer} ${code}`), checked };
}

describe('the request of a forecast', () => {
  test('gets windows of all features as its input, in time order, with the error of the last value to compare with', () => {
    const { faults, checked } = check({});
    expect(faults).toEqual([]);
    expect(checked?.request).toMatchObject({
      task: 'forecasting',
      spec: { input_shape: [10, 2] },
      window: { history: 10, horizon: 1, stride: 1, order_by: 'at', relative: 'none', interpolate: false },
      split: { strategy: 'time', validation: 0.2 },
      training: { metrics: ['root_mean_squared_error', 'mean_absolute_error'] },
    });
    // 90 windows, of which 72 train in batches of 8.
    expect(checked?.steps).toBe(5 * 9);
  });

  test('leaves out windows that forecast rows of a later part', () => {
    const change = {
      window: { history: 10, horizon: 7, stride: 2, order_by: 'at' },
      spec: { layers: [{ type: 'flatten' }, { type: 'dense', units: 7 }] },
      training: { epochs: 1, batch_size: 1 },
    };
    // 42 windows, 34 before validation, of which the last 3 reach into it.
    expect(check(change).checked?.steps).toBe(31);
    const few = check({ ...change, window: { ...change.window, stride: 1 }, split: { validation: 0.95 } });
    expect(few.faults).toEqual(['/split no_training_rows']);
  });

  test('learns from every column but the one that orders the rows, lists left to other tasks', () => {
    const { checked } = checkTrainingRequest({
      body: {
        dataset: ID,
        target: 'x',
        spec: { layers: [{ type: 'flatten' }, { type: 'dense', units: 3 }] },
        window: { history: 4, horizon: 3, order_by: 'at' },
        training: { epochs: 1 },
      },
      dataset: dataset(),
      modelSpec: null,
      limits: LIMITS,
    });
    expect(checked?.request.features).toEqual(['x', 'y']);
    expect(checked?.warnings).toMatchObject([{ code: 'columns_left_out', received: ['word'] }]);
  });

  test.each([
    ['an unreadable window is one fault, not a request without windows', { window: { history: '10' } }, ['/window/history wrong_type']],
    ['a forecast without a window', { window: undefined, task: 'forecasting' }, ['/window wrong_type']],
    ['a window longer than the data', { window: { history: 100 } }, ['/split no_training_rows', '/window/history out_of_range']],
    ['a target that is no feature', { features: ['y'] }, ['/features missing_column']],
    ['an order by the target', { window: { history: 3, order_by: 'x' } }, ['/window/order_by conflicting_fields']],
    ['an order by a column of lists', { window: { history: 3, order_by: 'word' } }, ['/window/order_by wrong_type']],
    ['lists inside windows', { features: ['x', 'word'] }, ['/features/1 not_encodable']],
    ['parts drawn at random', { split: { strategy: 'random' } }, ['/split/strategy task_mismatch']],
    ['weights of rows', { training: { epochs: 1, sample_weight_column: 'at' } }, ['/training/sample_weight_column conflicting_fields']],
  ])('refuses %s', (_, change, expected) => {
    expect(check(change).faults).toEqual(expected);
  });

  test('counts windows to the memory of a job until they would be too large: then rows are held, once each', () => {
    const long = { window: { history: 50, order_by: 'at' } };
    const allowing = (arenaBytesMax: number, datasetMemoryBytes: number) =>
      check(long, { ...LIMITS, arenaBytesMax, datasetMemoryBytes }).faults;
    const needed = (datasetMemoryBytes: number) => {
      for (let bytes = 1000; ; bytes += 1000) if (allowing(bytes, datasetMemoryBytes).length === 0) return bytes;
    };
    expect(allowing(1000, 1e6)).toEqual(['/spec limit_exceeded']);
    // 50 windows of 50 rows with two numbers each, and a table of 10,000 bytes; or 100 rows and room to cut windows from them.
    expect(needed(1e6) - needed(16_000)).toBeGreaterThanOrEqual(10_000);
  });
});
