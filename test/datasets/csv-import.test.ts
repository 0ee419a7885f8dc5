import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importCsv } from '../../src/datasets/csv-import.ts';
import type { RequestFault } from '../../src/errors.ts';
import { importText, LIMITS, rowsOf, typesOf } from './csv-text.ts';

const codes = (faults: readonly RequestFault[]) => faults.map(({ code }) => code);

describe('the form of a CSV file', () => {
  test('mixed line ends, quotes, quoted line ends and a last line without its end give the same values', async () => {
    const plain = await importText('name,n\nAnn,1\n"B ""b"", c",2\n"two\nlines",3\n');
    const mixed = await importText('\ufeffname,n\r\nAnn,1\r"B ""b"", c",2\n"two\nlines",3');
    expect(rowsOf(plain)).toEqual([
      ['Ann', 1],
      ['B "b", c', 2],
      ['two\nlines', 3],
    ]);
    expect(rowsOf(mixed)).toEqual(rowsOf(plain));
  });

  test('the pieces a file arrives in do not matter', async () => {
    const text = 'name,größe\r\n"Zoë ""x""\r\n",1.5\r\n\r\n🌱,-2e3\r\n';
    const expected = rowsOf(await importText(text, { size: 1000 }));
    for (const size of [1, 2, 5, 16]) expect(rowsOf(await importText(text, { size }))).toEqual(expected);
  });

  test('any table survives being written as RFC 4180', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'é', '🌱', ';'), minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 10 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        async (rows, end) => {
          const quoted = rows.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(','));
          const outcome = await importText(['left,right', ...quoted].join(end), {
            schema: [
              { name: 'left', type: 'text' },
              { name: 'right', type: 'text' },
            ],
          });
          expect(rowsOf(outcome)).toEqual(rows);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('no bytes at all make the import fail in another way than by faults', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const { table, faults } = await importText(bytes);
        expect(table === null).toBe(faults.length > 0);
      }),
      { numRuns: 500 },
    );
  });

  test('semicolon and tab are the delimiter when the header has no comma', async () => {
    expect(rowsOf(await importText('a;b\n1;x,y\n'))).toEqual([[1, 'x,y']]);
    expect(rowsOf(await importText('a\tb\n1\t2\n'))).toEqual([[1, 2]]);
    expect(typesOf(await importText('a,b;c\n1,2\n'))).toEqual({ a: 'integer', 'b;c': 'integer' });
  });

  test('a ragged row and a text in a column of numbers are both told with line and column', async () => {
    const { faults, table } = await importText('a,b\n1,2\n3,x\n4\n5,6,7\n');
    expect(table).toBeNull();
    expect(faults).toMatchObject([
      { line: 3, column: 'b', value: 'x', code: 'not_a_number' },
      { line: 4, code: 'ragged_row', expected: 2, received: 1 },
      { line: 5, code: 'ragged_row', expected: 2, received: 3 },
    ]);
  });

  test('lines are physical: a cell after a quoted line end is found where it is in the file', async () => {
    const { faults } = await importText('t,n\n"a\nb\r\nc",1\nd,2\ne,3\n"f\ng",x\n');
    expect(faults).toMatchObject([{ line: 8, column: 'n', value: 'x' }]);
  });

  test('a file without rows is refused', async () => {
    for (const text of ['', '\n', '\ufeff', 'a,b\n', '\r\n\r\n']) expect(codes((await importText(text)).faults)).toEqual(['no_rows']);
  });

  test('wrong headers are refused, every name of them', async () => {
    const { faults } = await importText(`a,a,,__proto__,${'x'.repeat(201)}\n1,2,3,4,5\n`);
    expect(codes(faults)).toEqual(['duplicate_column', 'empty_column_name', 'reserved_column_name', 'column_name_too_long']);
  });

  test('names from the prototype of objects are ordinary columns', async () => {
    expect(typesOf(await importText('constructor,toString\n1,x\n'))).toEqual({ constructor: 'integer', toString: 'category' });
  });

  test('a quote out of place is a fault and reading goes on', async () => {
    const { faults } = await importText('a,b\n5" pipe,1\n"x"y,2\nz,3\nw\n');
    expect(faults).toMatchObject([
      { code: 'stray_quote', line: 2 },
      { code: 'text_after_quote', line: 3 },
      { code: 'ragged_row', line: 5 },
    ]);
  });

  test('an unclosed quote is told where it opens, whatever follows', async () => {
    expect((await importText('a,b\n1,"x\n2,y\n')).faults).toMatchObject([{ code: 'unclosed_quote', line: 2 }]);
    const { faults } = await importText(`a,b\n1,"${'x,y\n'.repeat(50_000)}`, { size: 65_536 });
    expect(faults).toMatchObject([{ code: 'cell_too_long', line: 2, detail: expect.stringContaining('quote may be missing') }]);
  });

  test('one endless line or cell is refused', async () => {
    expect(codes((await importText('x'.repeat(100_000), { size: 65_536 })).faults)).toEqual(['cell_too_long']);
    expect(codes((await importText(`a\n${'1,'.repeat(100_000)}`, { size: 65_536 })).faults)).toEqual(['too_many_columns']);
  });

  test('limits are told with the fault', async () => {
    const limits = { rowsMax: 2, columnsMax: 2 };
    expect((await importText('a\n1\n2\n3\n', { limits })).faults).toMatchObject([{ code: 'too_many_rows', line: 4, expected: { max: 2 } }]);
    expect((await importText('a,b,c\n1,2,3\n', { limits })).faults).toMatchObject([{ code: 'too_many_columns', expected: { max: 2 } }]);
    expect((await importText('a,b\n1,2\n3,4\n', { limits })).faults).toEqual([]);
  });

  test('more faults than anybody reads are counted', async () => {
    const { faults } = await importText(`a,b\n1,2\n${'1\n'.repeat(250)}`);
    expect(faults).toHaveLength(101);
    expect(faults.at(-1)).toMatchObject({ code: 'more_faults', received: 150 });
  });
});

describe('what is not a CSV file', () => {
  test.each([
    ['a PNG image', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]), 'unsupported_format'],
    ['an ELF program', Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0', 'latin1'), 'unsupported_format'],
    ['a zip archive', Buffer.from('PK\x03\x04\x14\0\0\0\x08\0', 'latin1'), 'unsupported_format'],
    ['JSON', Buffer.from('[{"a": 1}, {"a": 2}]'), 'unsupported_format'],
    ['UTF-16 with a mark', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), 'not_utf8'],
    ['UTF-16 without a mark', Buffer.from('a,b\n1,2\n', 'utf16le'), 'nul_byte'],
    ['Latin-1', Buffer.from('a,b\n1,2\n3,caf\xe9\n', 'latin1'), 'not_utf8'],
    ['truncated UTF-8', Buffer.from([0x61, 0x0a, 0xf0, 0x9f]), 'not_utf8'],
    ['NUL bytes', Buffer.from('a,b\n1,\0\n'), 'nul_byte'],
  ])('%s is refused by its content', async (_, bytes, code) => {
    expect(codes((await importText(bytes)).faults)).toContain(code);
  });

  test('the line of a byte that is not UTF-8 is told', async () => {
    const bytes = Buffer.from('a,b\n1,2\n3,caf\xe9\n4,5\n', 'latin1');
    for (const size of [1, 7, 1000]) expect((await importText(bytes, { size })).faults[0]).toMatchObject({ code: 'not_utf8', line: 3 });
  });
});

describe('types of columns', () => {
  const typeOf = async (...cells: string[]) =>
    typesOf(await importText(`c,n\n${cells.map((cell, row) => `${cell},${row}`).join('\n')}\n`))['c'];

  test.each([
    ['integer', ['1', '-2', '+3', ' 4 ']],
    ['number', ['1', '2.5', '.5', '1e-3', '']],
    ['boolean', ['true', 'FALSE', 'True']],
    ['datetime', ['2026-01-31', '2026-01-31T08:00:00Z', '2026-01-31T08:00:00.5+01:00']],
    ['category', ['red', 'green', 'red']],
    ['category', ['001', '002', '100']],
    ['category', ['12345678901234567890', '2']],
    ['category', ['2026-02-30', '2026-01-01']],
    ['category', ['true', 'false', 'maybe']],
  ])('%s: %j', async (type, cells) => {
    expect(await typeOf(...cells)).toBe(type);
  });

  test('few different numbers are still numbers, not categories', async () => {
    expect(await typeOf(...Array.from({ length: 100 }, (_, row) => String(row % 2)))).toBe('integer');
  });

  test('texts that hardly repeat are text', async () => {
    expect(await typeOf(...Array.from({ length: 100 }, (_, row) => `name ${row}`))).toBe('text');
    expect(await typeOf(...Array.from({ length: 1000 }, (_, row) => `ticket ${row % 400}`))).toBe('category');
  });

  test('leading zeros survive', async () => {
    expect(rowsOf(await importText('zip,n\n00501,1\n10001,2\n'))).toEqual([
      ['00501', 1],
      ['10001', 2],
    ]);
  });

  test.each(['NaN', 'inf', '-Infinity', '1e999', '0x1F', '1,5', 'NULL', 'n/a', '1 000'])(
    '%s in a column of numbers is a fault',
    async (cell) => {
      const good = Array.from({ length: 20 }, (_, row) => `${row}.5,x`).join('\n');
      const { faults } = await importText(`c,t\n${good}\n"${cell}",x\n`);
      expect(faults).toMatchObject([{ line: 22, column: 'c', value: cell, code: 'not_a_number' }]);
    },
  );

  test('numbers whose squares overflow are refused', async () => {
    const { faults } = await importText('c,n\n1e308,1\n-1e308,2\n');
    expect(codes(faults)).toEqual(['out_of_range', 'out_of_range']);
  });

  test('a column that is mostly text keeps its numbers as text', async () => {
    const cells = Array.from({ length: 40 }, (_, row) => (row % 4 === 0 ? `A/${row % 8}` : String(row % 8)));
    expect(await typeOf(...cells)).toBe('category');
  });

  test('an empty cell is a missing value', async () => {
    const outcome = await importText('a,b,c\n1,,x\n,2,""\n');
    expect(rowsOf(outcome)).toEqual([
      [1, null, 'x'],
      [null, 2, null],
    ]);
    expect(outcome.schema.map(({ nullable, missing_rows }) => [nullable, missing_rows])).toEqual([
      [true, 1],
      [true, 1],
      [true, 1],
    ]);
  });
});

describe('a schema given by the user', () => {
  test('fixes types, and what does not fit is a fault', async () => {
    const schema = [
      { name: 'a', type: 'integer' as const },
      { name: 'b', type: 'boolean' as const },
      { name: 'c', type: 'datetime' as const, nullable: false },
      { name: 'd', categories: ['x', 'y'] },
    ];
    const { faults } = await importText('a,b,c,d\n1,true,2026-01-01,x\n1.5,yes,,z\n', { schema });
    expect(faults).toMatchObject([
      { line: 3, column: 'a', value: '1.5', code: 'not_an_integer' },
      { line: 3, column: 'b', value: 'yes', code: 'not_a_boolean' },
      { line: 3, column: 'c', code: 'missing_value' },
      { line: 3, column: 'd', value: 'z', code: 'unknown_category' },
    ]);
  });

  test('numbers declared as categories keep numeric labels, sorted by value', async () => {
    const outcome = await importText('digit,n\n10,1\n9,2\n10,3\n', { schema: [{ name: 'digit', type: 'category' }] });
    expect(outcome.schema[0]).toMatchObject({ type: 'category', encode: 'one_hot', categories: [9, 10], distinct: 2 });
    expect(rowsOf(outcome)).toEqual([
      [10, 1],
      [9, 2],
      [10, 3],
    ]);
  });

  test('is itself checked against the data', async () => {
    const { faults } = await importText('a,b\n1,x\n', {
      schema: [
        { name: 'a', encode: 'one_hot' },
        { name: 'b', missing: 'mean' },
        { name: 'c', type: 'number' },
        { name: 'a', missing: 'constant' },
      ],
    });
    expect(faults.map((fault) => ('pointer' in fault ? [fault.pointer, fault.code] : fault))).toEqual([
      ['/schema/0/encode', 'not_one_of'],
      ['/schema/1/missing', 'not_one_of'],
      ['/schema/2/name', 'unknown_column'],
      ['/schema/3/name', 'duplicate_column'],
      ['/schema/3/fill', 'missing_field'],
    ]);
  });
});

test('a large file is read in the memory of its columns', async () => {
  const line = Buffer.from('12345,6.789012345678901,some category\n'.repeat(2000));
  const pieces = 100;
  const source = async function* () {
    yield Buffer.from('a,b,c\n');
    for (let piece = 0; piece < pieces; piece++) yield line;
  };
  const before = process.memoryUsage().arrayBuffers;
  const { rows, table } = await importCsv(source, { limits: LIMITS });
  expect(rows).toBe(2000 * pieces);
  expect(table?.columns.map(({ type }) => type)).toEqual(['integer', 'number', 'category']);
  // Two columns of doubles and one of codes; the file itself has 7.6 MB, read twice.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(rows * 20 + 4e6);
});
