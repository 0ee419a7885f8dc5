import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SplitOptions, splitRows, splitSizes } from '../../src/training/split.ts';

const options = (over: Partial<SplitOptions>): SplitOptions => {
  const merged = { validation: 0.2, test: 0, strategy: 'random' as const, seed: 0, ...over };
  return { train: 1 - merged.validation - merged.test, ...merged };
};

const fractions = fc.record({
  validation: fc.double({ min: 0, max: 0.5, noNaN: true }),
  test: fc.double({ min: 0, max: 0.4, noNaN: true }),
});

describe('splitting rows', () => {
  test('every row is in exactly one part, whatever the strategy', () => {
    fc.assert(
      fc.property(fc.nat(300), fractions, fc.constantFrom('random', 'stratified', 'time'), fc.nat(), (rows, parts, strategy, seed) => {
        const classes = Int32Array.from({ length: rows }, (_, row) => (row * row) % 7);
        const split = splitRows(rows, options({ ...parts, strategy, seed }), { classes });
        const all = [...split.train, ...split.validation, ...split.test].sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: rows }, (_, row) => row));
        expect(split.validation.length).toBe(splitSizes(rows, options(parts)).validation);
      }),
    );
  });

  test('the same seed gives the same parts, another seed others', () => {
    const first = splitRows(150, options({ seed: 7 }));
    expect(splitRows(150, options({ seed: 7 }))).toEqual(first);
    expect(splitRows(150, options({ seed: 8 })).validation).not.toEqual(first.validation);
  });

  test('a stratified part holds each class in proportion to within one row', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 400 }), fractions, fc.nat(), (labels, parts, seed) => {
        const classes = Int32Array.from(labels);
        const split = splitRows(labels.length, options({ ...parts, strategy: 'stratified', seed }), { classes });
        for (const part of [split.train, split.validation, split.test]) {
          for (const label of new Set(labels)) {
            const share = (labels.filter((other) => other === label).length * part.length) / labels.length;
            const count = part.reduce((sum, row) => sum + Number(classes[row] === label), 0);
            // One row for rounding within the class, spread over up to five classes that round at the same cut.
            expect(Math.abs(count - share)).toBeLessThan(3);
          }
        }
      }),
    );
  });

  test('three classes of fifty rows are cut into parts of the same size', () => {
    const classes = Int32Array.from({ length: 150 }, (_, row) => Math.floor(row / 50));
    const { validation } = splitRows(150, options({ strategy: 'stratified' }), { classes });
    expect([0, 1, 2].map((label) => validation.filter((row) => classes[row] === label).length)).toEqual([10, 10, 10]);
  });

  test('a class with one row is trained on', () => {
    const classes = Int32Array.from({ length: 100 }, (_, row) => Number(row === 40));
    expect(splitRows(100, options({ strategy: 'stratified', test: 0.2 }), { classes }).train).toContain(40);
  });

  test('in time order the newest rows are held out', () => {
    const split = splitRows(10, options({ strategy: 'time', validation: 0.2, test: 0.1 }));
    expect([[...split.train], [...split.validation], [...split.test]]).toEqual([[0, 1, 2, 3, 4, 5, 6], [7, 8], [9]]);
  });

  test('what shares targets with a later part is in no part', () => {
    const sizes = options({ strategy: 'time', validation: 0.3, test: 0.2 });
    const { train, validation, test } = splitRows(20, sizes, { shared: 2 });
    const kept = [[...train], [...validation], [...test]];
    expect(kept).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [10, 11, 12, 13],
      [16, 17, 18, 19],
    ]);
    expect(splitSizes(20, sizes, 2)).toEqual({ train: 8, validation: 4, test: 4 });
    expect(splitSizes(20, options({ strategy: 'time', validation: 0, test: 0 }), 2)).toEqual({ train: 20, validation: 0, test: 0 });
    expect(splitSizes(20, options({ strategy: 'time', validation: 0.05, test: 0.9 }), 2)).toEqual({ train: 0, validation: 0, test: 18 });
  });

  test('a training fraction below the rest leaves rows unused', () => {
    const split = splitRows(100, { train: 0.5, validation: 0.2, test: 0.1, strategy: 'random', seed: 0 });
    expect([split.train.length, split.validation.length, split.test.length]).toEqual([50, 20, 10]);
  });
});
