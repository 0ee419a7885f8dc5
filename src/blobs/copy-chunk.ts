// A chunk goes to PostgreSQL from where it lies, and comes back as it is. As a parameter of a statement the driver would copy it twice,
// and as a result it would come as hexadecimal text: what a large state leaves behind by that is collected late.
// Binary format: https://www.postgresql.org/docs/18/sql-copy.html; messages: https://www.postgresql.org/docs/18/protocol-message-formats.html.
import pg from 'pg';

export interface Chunk {
  readonly blobId: string;
  /** Its place in the blob, from 0. */
  readonly n: number;
  readonly data: Buffer;
}

/** Stores the chunk. Its bytes are read until this has ended: only then may their memory be used for something else. */
export function copyChunk(client: pg.ClientBase, chunk: Chunk): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new ChunkCopy(chunk, (error) => (error ? reject(error) : resolve())));
  });
}

class ChunkCopy extends pg.Query {
  readonly #messages: readonly Buffer[];

  constructor(chunk: Chunk, callback: (error: Error | undefined) => void) {
    super('COPY chunk (blob_id, n, data) FROM STDIN (FORMAT binary)', callback);
    this.#messages = messagesOf(chunk);
  }

  /** Called by the driver once the server is ready to take the bytes. */
  handleCopyInResponse({ stream }: pg.Connection): void {
    stream.cork();
    for (const part of this.#messages) stream.write(part);
    stream.uncork();
  }
}

/** Bytes `from` (inclusive) to `to` (exclusive) of a chunk. */
export interface ChunkPart extends Omit<Chunk, 'data'> {
  readonly from: number;
  /** Null for all that there is. */
  readonly to: number | null;
}

/** Brings a part of a chunk into `target`, as much of it as fits, and tells how many bytes it has: 0 when there is none. */
export function fetchChunk(client: pg.ClientBase, part: ChunkPart, target: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const copy = new ChunkFetch(rowsOf(part), target, (error) => (error ? reject(error) : resolve(copy.bytes)));
    client.query(copy);
  });
}

/** The driver joins what arrives of a message in memory that doubles, and begins anew with each: short ones stay short of that. */
const SLICE_BYTES = 48 * 1024;
const INTEGER_MAX = 2 ** 31 - 1;

/** COPY takes no parameters. */
function rowsOf({ blobId, n, from, to }: ChunkPart): string {
  const end = to ?? INTEGER_MAX;
  return `SELECT substring(data FROM at FOR least(${SLICE_BYTES}, ${end} - at + 1))
    FROM chunk, generate_series(${from + 1}, least(octet_length(data), ${end}), ${SLICE_BYTES}) AS at
    WHERE blob_id = ${pg.escapeLiteral(blobId)} AND n = ${n} ORDER BY at`;
}

class ChunkFetch extends pg.Query {
  readonly #target: Buffer;
  #isBegun = false;
  bytes = 0;

  constructor(rows: string, target: Buffer, callback: (error: Error | undefined) => void) {
    super(`COPY (${rows}) TO STDOUT (FORMAT binary)`, callback);
    this.#target = target;
  }

  /** Called by the driver for each row, the first one with the header before it, and for the end. */
  handleCopyData({ chunk: message }: { readonly chunk: Buffer }): void {
    const row = this.#isBegun ? message : message.subarray(HEADER.length);
    this.#isBegun = true;
    if (row.readInt16BE() === NO_ROW) return;
    const data = row.subarray(COLUMNS.length + LENGTH_BYTES);
    if (this.bytes < this.#target.length) data.copy(this.#target, this.bytes);
    this.bytes += data.length;
  }
}

/** Signature, flags and the length of no extension. */
const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const COLUMNS = int16(3);
/** Of a column's data, before it. */
const LENGTH_BYTES = 4;
/** In the place of a number of columns: the end. */
const NO_ROW = -1;
const NO_MORE_ROWS = int16(NO_ROW);
const COPY_DONE = Buffer.from('c\0\0\0\x04', 'latin1');

/** One message with the only row, its bytes left where they are, and the end of it. */
function messagesOf({ blobId, n, data }: Chunk): readonly Buffer[] {
  const id = Buffer.from(blobId);
  const head = Buffer.concat([HEADER, COLUMNS, int32(id.length), id, int32(4), int32(n), int32(data.length)]);
  // A message's length counts itself, not the letter of its kind.
  const bytes = 4 + head.length + data.length + NO_MORE_ROWS.length;
  return [Buffer.from('d'), int32(bytes), head, data, NO_MORE_ROWS, COPY_DONE];
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
