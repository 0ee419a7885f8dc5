import { describe, expect, test } from 'vitest';
import { importRows } from '../../src/datasets/json-import.ts';
import { dataMemory, encodedBytes } from '../../src/training/data-memory.ts';
import { prepareTraining } from '../../src/training/prepare.ts';

const ROWS = Array.from({ length: 200 }, (_, i) => ({ at: i, x: i / 3, kind: i % 2 ? 'odd' : 'even', y: i * 2 }));
const WINDOW = { history: 20, horizon: 2, stride: 1, order_by: 'at', relative: 'none', interpolate: false } as const;

function imported() {
  const { table, schema } = importRows(ROWS, { limits: { rowsMax: 1000, columnsMax: 10 } });
  if (table === null) throw new Error('the rows have faults');
  return { table, schema, dataset: { rows: table.rows, bytes: 5600, schema } };
}

describe('the memory of the data of a job', () => {
  test.each([null, WINDOW])('is known before anything is encoded, window %j', (window) => {
    const { table, schema, dataset } = imported();
    const request = { kind: 'training', target: 'y', task: 'regression', training: { loss: 'mean_squared_error' }, window } as const;
    const features = window ? ['x', 'kind', 'y'] : ['x', 'kind'];
    const split = { train: 1, validation: 0, test: 0, strategy: window ? 'time' : 'random', seed: 0 } as const;
    const { data } = prepareTraining({ request: { ...request, features, split }, table, schema });
    expect(encodedBytes({ dataset, features, target: 'y', window })).toBe(data.features.byteLength + data.targets.byteLength);
  });

  test('is table and encoded rows up to the limit, and beyond it what training from disk needs', () => {
    const { dataset } = imported();
    const data = { dataset: { ...dataset, rows: 1_000_000, bytes: 32_000_000 }, features: ['x', 'kind'], target: 'y' };
    const whole = 32_000_000 + 1_000_000 * 4 * 4;
    expect(dataMemory(data, whole)).toBe(whole);
    expect(dataMemory(data, whole - 1)).toBeLessThan(whole + 3 * (whole / 8));
    expect(dataMemory({ ...data, features: Array(100).fill('x') }, 1e7)).toBeLessThan(4e7);
  });
});
