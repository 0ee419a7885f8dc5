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
  if (!view.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('not a table file: wrong magic');
  const headerLength = view.readUInt32LE(MAGIC.length);
  const header: Header = JSON.parse(view.toString('utf8', HEADER_OFFSET, HEADER_OFFSET + headerLength));
  let offset = HEADER_OFFSET + headerLength;
  const columns = header.columns.map(({ name, type, dictionary }): Column => {
    const length = header.rows * (type === 'number' || type === 'integer' ? 8 : 4);
    if (offset + length > view.length) throw new Error(`table file ends inside column ${name}`);
    // Copied, because a typed array needs an aligned start; shared, because threads train on tables that are kept in memory.
    const buffer = new SharedArrayBuffer(length);
    new Uint8Array(buffer).set(view.subarray(offset, offset + length));
    offset += aligned(length);
    if (type === 'number' || type === 'integer') return { name, type, values: new Float64Array(buffer) };
    return { name, type, dictionary: dictionary ?? [], codes: new Int32Array(buffer) };
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
