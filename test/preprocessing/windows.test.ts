import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importRows } from '../../src/datasets/json-import.ts';
import { encodeWindowInstances, learnWindows, type WindowOptions, windowCount } from '../../src/preprocessing/index.ts';
import { fromMetadata, toMetadata } from '../../src/preprocessing/metadata.ts';
import { isWindowed } from '../../src/preprocessing/window.ts';

const LIMITS = { rowsMax: 10_000, columnsMax: 100 };
const WINDOW: WindowOptions = { history: 3, horizon: 2, stride: 1, order_by: 'at', relative: 'none', interpolate: false };

function learn(rows: readonly object[], options: Partial<WindowOptions>, features = ['x'], trainShare = 1) {
  const window = { ...WINDOW, ...options };
  const { table, schema, faults } = importRows(rows, { limits: LIMITS });
  if (table === null) throw new Error(JSON.stringify(faults));
  const count = windowCount(rows.length, window);
  const trainWindows = Int32Array.from({ length: Math.ceil(count * trainShare) }, (_, place) => place);
  const learned = learnWindows({ table, schema, features, targets: ['x'], window, trainWindows });
  return { ...learned, ...learned.encode(Int32Array.from({ length: count }, (_, place) => place)) };
}

const series = (values: readonly (number | null)[]) => values.map((x, at) => ({ at, x }));

describe('windows of ordered rows', () => {
  test('every place of the series is seen as the shape of a window allows, and no more', () => {
    fc.assert(
      fc.property(
        fc.nat(60),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        (...shape) => {
          const [rows, history, horizon, stride] = shape;
          let windows = 0;
          for (let first = 0; first + history + horizon <= rows; first += stride) windows++;
          expect(windowCount(rows, { history, horizon, stride })).toBe(windows);
        },
      ),
    );
  });

  test('the past of each window is followed by what came after it, whatever order the rows were in', () => {
    const rows = series([10, 20, 30, 40, 50, 60]).toReversed();
    const { preprocessing, features, targets } = learn(rows, {});
    const [x] = preprocessing.features;
    if (x?.mean == null || x.std == null || preprocessing.target.kind !== 'numbers') throw new Error('nothing was learned');
    const values = Array.from(features, (value) => Math.round(value * (x.std ?? 1) + (x.mean ?? 0)));
    expect(values).toEqual([10, 20, 30, 20, 30, 40]);
    const { columns } = preprocessing.target;
    expect(columns.map(({ name }) => name)).toEqual(['x+1', 'x+2']);
    const after = Array.from(targets, (value, place) =>
      Math.round(value * (columns[place % 2]?.std ?? 1) + (columns[place % 2]?.mean ?? 0)),
    );
    expect(after).toEqual([40, 50, 50, 60]);
  });

  test('what is learned comes from the training windows alone', () => {
    const calm = Array.from({ length: 40 }, (_, at) => at % 5);
    const before = learn(series([...calm, ...calm]), {}, ['x'], 0.4).preprocessing;
    const after = learn(series([...calm, ...calm.map((value) => value * 1000)]), {}, ['x'], 0.4).preprocessing;
    expect(after).toEqual(before);
  });

  test.each(['last', 'difference'] as const)('told by %s, a series and the same one higher up are the same to the network', (relative) => {
    const wave = Array.from({ length: 30 }, (_, at) => Math.round(10 * Math.sin(at)));
    const low = learn(series(wave), { relative });
    const high = learn(series(wave.map((value) => value + 4096)), { relative });
    expect(high.features).toEqual(low.features);
    expect(high.targets).toEqual(low.targets);
  });

  test('the last value is as wrong as the series moves', () => {
    const { lastValueError } = learn(series([0, 1, 2, 3, 4, 5, 6, 7]), { horizon: 1 });
    expect(lastValueError(Int32Array.of(0, 1, 2))).toBe(1);
  });

  test('gaps are filled on the straight line between their neighbours', () => {
    const filled = learn(series([0, null, null, 3, null, 5, 6]), { interpolate: true });
    const whole = learn(series([0, 1, 2, 3, 4, 5, 6]), { interpolate: true });
    expect(filled.targets).toEqual(whole.targets);
    expect(filled.preprocessing.features[0]).toMatchObject({ missing: 'interpolate' });
  });

  test('a window predicts from the same bits that it was trained on, also after a trip through JSON', () => {
    const rows = Array.from({ length: 20 }, (_, at) => ({ at, x: Math.sin(at) * 100, kind: at % 3 === 0 ? 'a' : 'b' }));
    for (const relative of ['none', 'last', 'difference'] as const) {
      const { preprocessing, features } = learn(rows, { relative }, ['x', 'kind']);
      const travelled = fromMetadata(JSON.parse(JSON.stringify(toMetadata(preprocessing))));
      if (!isWindowed(travelled)) throw new Error('the windows were lost');
      const encoded = encodeWindowInstances(travelled, [rows.slice(0, 3), rows.slice(5, 8).map(({ x, kind }) => [x, kind])]);
      if ('faults' in encoded) throw new Error(JSON.stringify(encoded.faults));
      const width = 3 * 3;
      expect(encoded.features.subarray(0, width)).toEqual(features.subarray(0, width));
      expect(encoded.features.subarray(width)).toEqual(features.subarray(5 * width, 6 * width));
    }
  });
});
