import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createRowFile } from '../../src/training/row-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'alma-rows-'));
let files = 0;
const emptyFile = () => openSync(join(dir, String(files++)), 'wx+');

afterAll(() => rmSync(dir, { recursive: true }));

const PARTS = [
  { width: 3, type: 'float32' },
  { width: 1, type: 'int32' },
] as const;

describe('encoded rows in a file', () => {
  test('come back by number, in any order, as often as asked for', () => {
    const property = fc.property(
      fc.array(fc.nat(50), { minLength: 1, maxLength: 5 }),
      fc.array(fc.array(fc.nat(), { maxLength: 40 }), { maxLength: 4 }),
      (blocks, asked) => {
        const file = createRowFile(emptyFile(), PARTS, 1000);
        const total = blocks.reduce((sum, rows) => sum + rows, 0);
        let first = 0;
        for (const rows of blocks) {
          const features = Float32Array.from({ length: rows * 3 }, (_, i) => first * 3 + i + 0.5);
          file.append([features, Int32Array.from({ length: rows }, (_, i) => -(first + i))], rows);
          first += rows;
        }
        for (const numbers of total === 0 ? [] : asked) {
          const rows = Int32Array.from(numbers, (number) => number % total);
          const [features, targets] = file.read(rows);
          expect([...features!]).toEqual([...rows].flatMap((row) => [0.5, 1.5, 2.5].map((part) => row * 3 + part)));
          expect([...targets!]).toEqual([...rows].map((row) => (row === 0 ? 0 : -row)));
        }
      },
    );
    fc.assert(property, { numRuns: 60 });
  });

  test('far apart and wider than one reading come back as well', () => {
    const wide = 200_000;
    const file = createRowFile(emptyFile(), [{ width: wide, type: 'float32' }], 1);
    expect(file.rowsAtOnce).toBe(1);
    for (let row = 0; row < 5; row += 1) file.append([new Float32Array(wide).fill(row)], 1);
    const [numbers] = file.read(Int32Array.of(4, 0, 3));
    expect([numbers![0], numbers![wide], numbers![3 * wide - 1], numbers!.length]).toEqual([4, 0, 3, 3 * wide]);
  });

  test('keep the bits of numbers that are none', () => {
    const file = createRowFile(emptyFile(), [{ width: 1, type: 'float32' }], 100);
    const bits = Int32Array.of(0x7fc0_1234, -0x3f_fff1);
    file.append([new Float32Array(bits.buffer)], 2);
    const [numbers] = file.read(Int32Array.of(1, 0));
    expect([...new Int32Array(numbers!.buffer, 0, 2)]).toEqual([bits[1], bits[0]]);
  });

  test('that were never written are not made up', () => {
    const file = createRowFile(emptyFile(), PARTS, 1000);
    file.append([new Float32Array(6), new Int32Array(2)], 2);
    expect(() => file.read(Int32Array.of(0, 2))).toThrow('too soon');
  });
});
