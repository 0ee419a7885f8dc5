// A chunk goes to PostgreSQL from where it lies. As a parameter of a statement the driver would copy it twice, into memory of its own
// for each chunk, and what a large state leaves behind by that is collected late.
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

/** Signature, flags and the length of no extension. */
const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const COLUMNS = int16(3);
const NO_MORE_ROWS = int16(-1);
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
