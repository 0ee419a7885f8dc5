import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUILTIN_NAMES, BUILTINS } from '../../src/datasets/builtins.ts';
import { importCsv } from '../../src/datasets/csv-import.ts';
import type { Column, Table } from '../../src/datasets/table.ts';
import { decodeTable, encodeTable } from '../../src/datasets/table-file.ts';
import { LIMITS } from './csv-text.ts';

const bytesOf = (table: Table) => Buffer.concat([...encodeTable(table)]);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('the file of a table', () => {
  test.each(BUILTIN_NAMES)('%s comes back as it was, and always has the same bytes', async (name) => {
    const [first, second] = [
      await importCsv(BUILTINS[name].open, { limits: LIMITS }),
      await importCsv(BUILTINS[name].open, { limits: LIMITS }),
    ];
    if (first.table === null || second.table === null) throw new Error('a built-in dataset has faults');
    const bytes = bytesOf(first.table);
    expect(decodeTable(bytes)).toEqual(first.table);
    expect(sha256(bytesOf(second.table))).toBe(sha256(bytes));
  });

  test('any table comes back bit by bit', () => {
    const column = (rows: number): fc.Arbitrary<Column> =>
      fc.oneof(
        fc.record({
          name: fc.string(),
          type: fc.constantFrom('number', 'integer'),
          values: fc.array(fc.double(), { minLength: rows, maxLength: rows }).map((values) => Float64Array.from(values)),
        }),
        fc.record({
          name: fc.string(),
          type: fc.constantFrom('category', 'text'),
          dictionary: fc.array(fc.string({ unit: 'grapheme' })),
          codes: fc.array(fc.integer({ min: -1, max: 5 }), { minLength: rows, maxLength: rows }).map((codes) => Int32Array.from(codes)),
        }),
      );
    const table = fc.nat(20).chain((rows) => fc.record({ rows: fc.constant(rows), columns: fc.array(column(rows), { maxLength: 5 }) }));
    fc.assert(
      fc.property(table, (original) => {
        expect(decodeTable(bytesOf(original))).toEqual(original);
      }),
    );
  });

  test('a file cut short is refused', async () => {
    const { table } = await importCsv(BUILTINS.xor.open, { limits: LIMITS });
    if (table === null) throw new Error('xor has faults');
    const bytes = bytesOf(table);
    expect(() => decodeTable(bytes.subarray(0, bytes.length - 40))).toThrow('ends inside column');
    expect(() => decodeTable(Buffer.from('PK\x03\x04 something else'))).toThrow('magic');
  });
});
