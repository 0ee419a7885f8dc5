import { readSync } from 'node:fs';
import { readNumbers } from '../lib/file-numbers.ts';
import { type Column, isNumberColumn, type Table } from './table.ts';

// A dataset as it is kept: 8 bytes of magic, 4 bytes header length, a JSON header, then the columns one after another,
// each padded to 8 bytes. Numbers are float64, codes int32, everything little-endian. The same table always gives the
// same bytes, so their SHA-256 names the content of the dataset.

const MAGIC = Buffer.from('ALMATBL1', 'latin1');
const HEADER_OFFSET = 12;
const ALIGNMENT = 8;

interface Header {
  readonly rows: number;
  readonly columns: readonly { readonly name: string; readonly type: Column['type']; readonly dictionary?: readonly string[] }[];
}

/** The bytes of a table, a few large pieces at a time. */
export function* encodeTable(table: Table): Generator<Uint8Array> {
  const header: Header = {
    rows: table.rows,
    columns: table.columns.map((column) =>
      isNumberColumn(column)
        ? { name: column.name, type: column.type }
        : { name: column.name, type: column.type, dictionary: column.dictionary },
    ),
  };
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const start = Buffer.alloc(aligned(HEADER_OFFSET + json.length), ' ');
  MAGIC.copy(start);
  start.writeUInt32LE(start.length - HEADER_OFFSET, MAGIC.length);
  json.copy(start, HEADER_OFFSET);
  yield start;
  for (const column of table.columns) {
    const values = isNumberColumn(column) ? column.values : column.codes;
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    if (values.byteLength % ALIGNMENT !== 0) yield new Uint8Array(aligned(values.byteLength) - values.byteLength);
  }
}

/** The table of these bytes. They were written by `encodeTable` and their digest was checked; anything else throws. */
export function decodeTable(bytes: Uint8Array): Table {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { rows, columns } = readHeader((from, length) => view.subarray(from, from + length));
  return {
    rows,
    columns: columns.map(({ name, type, dictionary, offset, length }): Column => {
      if (offset + length > view.length) throw new Error(`table file ends inside column ${name}`);
      // Copied, because a typed array needs an aligned start; shared, because threads train on tables that are kept in memory.
      const buffer = new SharedArrayBuffer(length);
      new Uint8Array(buffer).set(view.subarray(offset, offset + length));
      if (type === 'number' || type === 'integer') return { name, type, values: new Float64Array(buffer) };
      return { name, type, dictionary, codes: new Int32Array(buffer) };
    }),
  };
}

/**
 * The table in an open file. Of it dictionaries are held, and of its columns nothing: each is read whenever it is asked for, so
 * that memory for one column is enough to go through all of them.
 */
export function openTableFile(fd: number, isNeeded: (column: { readonly name: string }) => boolean = () => true): Table {
  const { rows, columns } = readHeader((from, length) => {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, from));
  });
  return { rows, columns: columns.filter(isNeeded).map((place) => columnInFile(fd, rows, place)) };
}

function columnInFile(fd: number, rows: number, { name, type, dictionary, offset }: PlacedColumn): Column {
  if (type === 'number' || type === 'integer') {
    const read = (from: number, to: number) => readNumbers(fd, offset + from * Float64Array.BYTES_PER_ELEMENT, new Float64Array(to - from));
    return {
      name,
      type,
      read,
      get values() {
        return read(0, rows);
      },
    };
  }
  const read = (from: number, to: number) => readNumbers(fd, offset + from * Int32Array.BYTES_PER_ELEMENT, new Int32Array(to - from));
  return {
    name,
    type,
    dictionary,
    read,
    get codes() {
      return read(0, rows);
    },
  };
}

interface PlacedColumn {
  readonly name: string;
  readonly type: Column['type'];
  readonly dictionary: readonly string[];
  /** First byte in the file, and how many bytes. */
  readonly offset: number;
  readonly length: number;
}

/** Rows and columns, and where in the file these are. `read` gives fewer bytes at the end of the file. */
function readHeader(read: (from: number, length: number) => Buffer): { rows: number; columns: PlacedColumn[] } {
  const start = read(0, HEADER_OFFSET);
  if (!start.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('not a table file: wrong magic');
  const headerLength = start.readUInt32LE(MAGIC.length);
  const header: Header = JSON.parse(read(HEADER_OFFSET, headerLength).toString('utf8'));
  let offset = HEADER_OFFSET + headerLength;
  const columns = header.columns.map(({ name, type, dictionary = [] }): PlacedColumn => {
    const length = header.rows * (type === 'number' || type === 'integer' ? 8 : 4);
    const column = { name, type, dictionary, offset, length };
    offset += aligned(length);
    return column;
  });
  return { rows: header.rows, columns };
}

/** How many bytes a table takes in memory, for caches that count bytes. */
export function tableBytes(table: Table): number {
  return table.columns.reduce((sum, column) => {
    if (isNumberColumn(column)) return sum + column.values.byteLength;
    return sum + column.codes.byteLength + column.dictionary.reduce((chars, text) => chars + 2 * text.length, 0);
  }, 0);
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
