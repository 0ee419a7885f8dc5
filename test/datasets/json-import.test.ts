import { describe, expect, test } from 'vitest';
import { importRows } from '../../src/datasets/json-import.ts';
import { LIMITS, rowsOf, typesOf } from './csv-text.ts';

describe('rows as JSON', () => {
  test('values keep the JSON type they were posted with', () => {
    const outcome = importRows(
      [
        { n: 1, x: 0.5, t: 'a', b: true, d: '2026-01-31' },
        { n: 2, x: 1, t: 'b', b: false, d: '2026-02-01' },
      ],
      { limits: LIMITS },
    );
    expect(typesOf(outcome)).toEqual({ n: 'integer', x: 'number', t: 'category', b: 'boolean', d: 'datetime' });
    expect(rowsOf(outcome)).toEqual([
      [1, 0.5, 'a', true, '2026-01-31'],
      [2, 1, 'b', false, '2026-02-01'],
    ]);
  });

  test('nothing is coerced: a number written as text, null and true do not become numbers', () => {
    const { faults, table } = importRows([{ x: 1 }, { x: '3' }, { x: true }, { x: 2 }, { x: null }, { x: [1] }], { limits: LIMITS });
    expect(table).toBeNull();
    expect(faults).toMatchObject([
      { pointer: '/rows/1/x', code: 'wrong_type', expected: 'number', received: 'string' },
      { pointer: '/rows/2/x', code: 'wrong_type', expected: 'number', received: 'boolean' },
      { pointer: '/rows/5/x', code: 'wrong_type', expected: 'number', received: 'array' },
    ]);
  });

  test('an absent column and null are missing values', () => {
    const outcome = importRows([{ a: 1, b: 'x' }, { a: null }, { b: 'y' }], { limits: LIMITS });
    expect(outcome.schema.map(({ missing_rows }) => missing_rows)).toEqual([2, 1]);
    expect(rowsOf(outcome)).toEqual([
      [1, 'x'],
      [null, null],
      [null, 'y'],
    ]);
  });

  test('rows that are no objects, and no rows, are faults', () => {
    expect(importRows([{ a: 1 }, [1], null, 'x'], { limits: LIMITS }).faults).toMatchObject([
      { pointer: '/rows/1', received: 'array' },
      { pointer: '/rows/2', received: 'null' },
      { pointer: '/rows/3', received: 'string' },
    ]);
    expect(importRows([], { limits: LIMITS }).faults).toMatchObject([{ pointer: '/rows', code: 'no_rows' }]);
    expect(importRows([{}], { limits: LIMITS }).faults).toMatchObject([{ code: 'no_columns' }]);
  });

  test('numbers too large for statistics are faults', () => {
    expect(importRows([{ a: 1e308 }, { a: JSON.parse('1e999') }], { limits: LIMITS }).faults).toMatchObject([
      { pointer: '/rows/0/a', code: 'out_of_range' },
      { pointer: '/rows/1/a', code: 'out_of_range' },
    ]);
  });

  test('column names are escaped in pointers', () => {
    expect(importRows([{ 'a/b~c': 1 }, { 'a/b~c': 'x' }], { limits: LIMITS }).faults).toMatchObject([{ pointer: '/rows/1/a~1b~0c' }]);
  });

  test('categories may be numbers when the schema says so, and texts stay texts', () => {
    const schema = [{ name: 'digit', type: 'category' as const }];
    expect(importRows([{ digit: 10 }, { digit: 9 }], { schema, limits: LIMITS }).schema[0]?.categories).toEqual([9, 10]);
    expect(importRows([{ digit: '10' }, { digit: '9' }], { schema, limits: LIMITS }).schema[0]?.categories).toEqual(['10', '9']);
    expect(importRows([{ digit: 1 }, { digit: '9' }], { schema, limits: LIMITS }).faults).toMatchObject([{ pointer: '/rows/1/digit' }]);
  });

  test('limits are faults', () => {
    const limits = { rowsMax: 1, columnsMax: 1 };
    expect(importRows([{ a: 1 }, { a: 2 }], { limits }).faults).toMatchObject([{ code: 'too_many_rows', expected: { max: 1 } }]);
    expect(importRows([{ a: 1, b: 2 }], { limits }).faults).toMatchObject([{ code: 'too_many_columns', expected: { max: 1 } }]);
  });
});
