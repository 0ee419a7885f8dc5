// Runs of bytes (datasets, weights, checkpoints) as rows of 1 MiB. Through `pg`, not Prisma, whose base64 round trip costs
// several times the memory and blocks the event loop. One chunk is in flight at a time and no transaction is held while a
// slow reader takes its time.
import { createHash } from 'node:crypto';
import type { ClientBase, Pool } from 'pg';
import { type Queryable, withClient } from '../db/transaction.ts';
import { newId } from '../lib/ids.ts';
import { sha256 as sha256Of } from '../lib/sha256.ts';
import { type Spool, spool } from '../lib/spool.ts';
import { type ChunkPart, copyChunk, fetchChunk } from './copy-chunk.ts';

export interface BlobInfo {
  readonly id: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Bytes at once, or in pieces of any size, each of which is read before the next one is asked for. */
export type BlobSource = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface BlobStore {
  /** Stores the bytes. Outside of a transaction a source that fails leaves part of a blob behind. */
  write(client: ClientBase, source: BlobSource): Promise<BlobInfo>;
  /** Length and hash, without the bytes. */
  info(id: string): Promise<BlobInfo>;
  read(id: string): AsyncGenerator<Buffer>;
  /** The whole blob, checked against its hash. */
  readAll(id: string): Promise<Buffer>;
  /** The whole blob in a temporary file, checked against the hash its owner knows; to be closed. Throws AbortError at the signal. */
  spool(id: string, sha256: string, signal?: AbortSignal): Promise<Spool>;
  /** Bytes `start` (inclusive) to `end` (exclusive), cut to the blob's length. */
  readRange(id: string, start: number, end: number): AsyncGenerator<Buffer>;
}

/** The blob is gone, or what is stored is not what was written. */
export class BlobError extends Error {
  readonly blobId: string;
  /** What follows the name of the blob in a sentence. */
  readonly problem: string;

  constructor(blobId: string, problem: string) {
    super(`blob ${blobId} ${problem}`);
    this.name = 'BlobError';
    this.blobId = blobId;
    this.problem = problem;
  }
}

export const CHUNK_BYTES = 1024 * 1024;

const OTHER_HASH = 'does not have the hash it was stored with';

/** The blobs of a database: the tables `blob` and `chunk`. */
export function createBlobStore(pool: Pool): BlobStore {
  /** Piece by piece, at most a chunk each, in the memory that each is given. */
  async function* readRange(id: string, start: number, end: number, memoryFor: MemoryFor = Buffer.allocUnsafe): AsyncGenerator<Buffer> {
    const { bytes } = await readInfo(pool, id);
    const stop = Math.min(end, bytes);
    for (let at = Math.max(0, start); at < stop; ) {
      const n = Math.floor(at / CHUNK_BYTES);
      const from = at - n * CHUNK_BYTES;
      const to = Math.min(CHUNK_BYTES, stop - n * CHUNK_BYTES);
      const piece = memoryFor(to - from);
      const isToItsEnd = to === Math.min(CHUNK_BYTES, bytes - n * CHUNK_BYTES);
      await readPart(pool, { blobId: id, n, from, to: isToItsEnd ? null : to }, piece);
      yield piece;
      at += piece.length;
    }
  }

  return {
    write: writeBlob,
    info: (id) => readInfo(pool, id),
    read: (id) => readRange(id, 0, Number.POSITIVE_INFINITY),
    readRange: (id, start, end) => readRange(id, start, end),
    readAll: async (id) => {
      const { bytes, sha256 } = await readInfo(pool, id);
      const whole = Buffer.allocUnsafe(bytes);
      let filled = 0;
      for await (const piece of readRange(id, 0, bytes, (length) => whole.subarray(filled, filled + length))) filled += piece.length;
      if (sha256Of(whole) !== sha256) throw new BlobError(id, OTHER_HASH);
      return whole;
    },
    spool: async (id, sha256, signal) => {
      const file = await spool(readRange(id, 0, Number.POSITIVE_INFINITY, oneMemory()), () => signal?.throwIfAborted());
      if (file.sha256 === sha256) return file;
      await file.close();
      throw new BlobError(id, OTHER_HASH);
    },
  };
}

async function writeBlob(client: ClientBase, source: BlobSource): Promise<BlobInfo> {
  const id = newId('blob');
  const hash = createHash('sha256');
  let bytes = 0;
  let n = 0;
  // The row comes first for the chunks' foreign key; length and hash are known at the end.
  await client.query("INSERT INTO blob (id, bytes, sha256) VALUES ($1, 0, '')", [id]);
  for await (const data of inChunks(source)) {
    hash.update(data);
    bytes += data.length;
    await copyChunk(client, { blobId: id, n, data });
    n += 1;
  }
  const sha256 = hash.digest('hex');
  await client.query('UPDATE blob SET bytes = $2, sha256 = $3 WHERE id = $1', [id, bytes, sha256]);
  return { id, bytes, sha256 };
}

/** The same bytes in pieces of exactly CHUNK_BYTES, the last one shorter, one after the other in the same memory. */
async function* inChunks(source: BlobSource): AsyncGenerator<Buffer> {
  let chunk: Buffer = Buffer.alloc(0);
  let filled = 0;
  for await (const piece of source instanceof Uint8Array ? [source] : source) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + CHUNK_BYTES - filled);
      if (filled + part.length > chunk.length) chunk = enlarged(chunk, filled + part.length);
      chunk.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < CHUNK_BYTES) continue;
      yield chunk;
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

/** At least doubled, so that many small pieces are not moved for each of them. */
function enlarged(chunk: Buffer, least: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(least, 2 * chunk.length)));
  chunk.copy(larger);
  return larger;
}

async function readInfo(client: Queryable, id: string): Promise<BlobInfo> {
  const { rows } = await client.query<{ bytes: string; sha256: string }>('SELECT bytes, sha256 FROM blob WHERE id = $1', [id]);
  const row = rows[0];
  if (row === undefined) throw new BlobError(id, 'does not exist');
  return { id, bytes: Number(row.bytes), sha256: row.sha256 };
}

async function readPart(pool: Pool, part: ChunkPart, target: Buffer): Promise<void> {
  const bytes = await withClient(pool, (client) => fetchChunk(client, part, target));
  if (bytes === 0) throw new BlobError(part.blobId, `lacks chunk ${part.n}`);
  if (bytes !== target.length) throw new BlobError(part.blobId, `has a chunk ${part.n} of ${part.from + bytes} bytes`);
}

/** Where so many bytes can be put. */
type MemoryFor = (bytes: number) => Buffer;

/** The same memory each time, for bytes that are done with before the next ones come. */
function oneMemory(): MemoryFor {
  let memory = Buffer.alloc(0);
  return (bytes) => {
    if (memory.length < bytes) memory = Buffer.allocUnsafe(bytes);
    return memory.subarray(0, bytes);
  };
}
