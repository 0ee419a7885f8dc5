import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BlobError, CHUNK_BYTES, createBlobStore } from '../../src/blobs/blob-store.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

describe('blob store', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let client: pg.PoolClient;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new pg.Pool({ connectionString: database.url });
    client = await pool.connect();
  });

  afterAll(async () => {
    client.release();
    await pool.end();
    await database.drop();
  });

  test.each([0, 1, 48 * 1024, 96 * 1024 + 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17])(
    '%d bytes come back as they were',
    async (size) => {
      const bytes = randomBytes(size);
      const blobs = createBlobStore(pool);
      const stored = await blobs.write(client, bytes);
      expect(stored.bytes).toBe(size);
      expect((await blobs.readAll(stored.id)).equals(bytes)).toBe(true);
      expect((await collect(blobs.read(stored.id))).equals(bytes)).toBe(true);
    },
  );

  test('a stream is stored like the whole, however it is cut', async () => {
    const bytes = randomBytes(2 * CHUNK_BYTES + 5);
    const blobs = createBlobStore(pool);
    const whole = await blobs.write(client, bytes);
    for (const cut of [65_537, 3 * CHUNK_BYTES]) {
      const streamed = await blobs.write(client, cutUp(bytes, cut));
      expect(streamed.sha256).toBe(whole.sha256);
      expect((await blobs.readAll(streamed.id)).equals(bytes)).toBe(true);
    }
  });

  test('a source may use the memory of a piece again for the next one', async () => {
    const bytes = randomBytes(3 * CHUNK_BYTES + 5);
    const blobs = createBlobStore(pool);
    for (const cut of [100_003, CHUNK_BYTES, 2 * CHUNK_BYTES + 1]) {
      const { id } = await blobs.write(client, inTheSameMemory(bytes, cut));
      expect((await blobs.readAll(id)).equals(bytes)).toBe(true);
    }
  });

  test('what the server refuses fails the writing and leaves the connection of use', async () => {
    const blobs = createBlobStore(pool);
    const gone = (async function* () {
      const { rows } = await pool.query<{ id: string }>("SELECT id FROM blob WHERE sha256 = ''");
      await pool.query('DELETE FROM blob WHERE id = ANY($1)', [rows.map(({ id }) => id)]);
      yield randomBytes(CHUNK_BYTES + 1);
    })();
    await expect(blobs.write(client, gone)).rejects.toThrow(/violates foreign key/);
    await expect(client.query('SELECT 1 AS one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
  });

  test('a range is cut out exactly, across chunks and beyond the end', async () => {
    const bytes = randomBytes(2 * CHUNK_BYTES + 100);
    const blobs = createBlobStore(pool);
    const { id } = await blobs.write(client, bytes);
    const ranges: [number, number][] = [
      [0, 1],
      [CHUNK_BYTES - 3, CHUNK_BYTES + 3],
      [CHUNK_BYTES, 2 * CHUNK_BYTES],
      [10, 2 * CHUNK_BYTES + 50],
      [2 * CHUNK_BYTES + 90, 9 * CHUNK_BYTES],
      [48 * 1024 - 1, 96 * 1024 + 1],
      [5, 5],
    ];
    for (const [start, end] of ranges) {
      expect((await collect(blobs.readRange(id, start, end))).equals(bytes.subarray(start, end))).toBe(true);
    }
  });

  test('bytes changed behind its back are not handed out as whole', async () => {
    const blobs = createBlobStore(pool);
    const { id } = await blobs.write(client, randomBytes(100));
    await pool.query('UPDATE chunk SET data = set_byte(data, 0, get_byte(data, 0) # 1) WHERE blob_id = $1', [id]);
    await expect(blobs.readAll(id)).rejects.toThrow(BlobError);
  });

  test('only the bytes that their owner knows are brought to disk', async () => {
    const blobs = createBlobStore(pool);
    const bytes = randomBytes(2 * CHUNK_BYTES + 3);
    const { id, sha256 } = await blobs.write(client, bytes);
    const file = await blobs.spool(id, sha256);
    expect((await buffer(file.read(CHUNK_BYTES - 2, 9 * CHUNK_BYTES))).equals(bytes.subarray(CHUNK_BYTES - 2))).toBe(true);
    await file.close();
    await pool.query('UPDATE chunk SET data = set_byte(data, 0, get_byte(data, 0) # 1) WHERE blob_id = $1 AND n = 2', [id]);
    await expect(blobs.spool(id, sha256)).rejects.toThrow('does not have the hash');
  });

  test('what is brought to disk is left alone at a signal', async () => {
    const blobs = createBlobStore(pool);
    const { id, sha256 } = await blobs.write(client, randomBytes(100));
    await expect(blobs.spool(id, sha256, AbortSignal.abort())).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  test('a missing, cut or longer chunk is found while streaming', async () => {
    const blobs = createBlobStore(pool);
    const { id } = await blobs.write(client, randomBytes(CHUNK_BYTES + 100));
    await pool.query('UPDATE chunk SET data = substring(data from 1 for 50) WHERE blob_id = $1 AND n = 1', [id]);
    await expect(collect(blobs.read(id))).rejects.toThrow('chunk 1 of 50 bytes');
    await pool.query("UPDATE chunk SET data = decode(repeat('00', 101), 'hex') WHERE blob_id = $1 AND n = 1", [id]);
    await expect(collect(blobs.read(id))).rejects.toThrow('chunk 1 of 101 bytes');
    await pool.query('DELETE FROM chunk WHERE blob_id = $1 AND n = 1', [id]);
    await expect(collect(blobs.read(id))).rejects.toThrow('lacks chunk 1');
  });

  test('written in a transaction that fails, nothing stays', async () => {
    const blobs = createBlobStore(pool);
    let id = '';
    const failing = withTransaction(pool, async (client) => {
      id = (await blobs.write(client, randomBytes(10))).id;
      throw new Error('after the write');
    });
    await expect(failing).rejects.toThrow('after the write');
    await expect(blobs.readAll(id)).rejects.toThrow('does not exist');
  });

  test('removing takes the chunks with it', async () => {
    const blobs = createBlobStore(pool);
    const { id } = await blobs.write(client, randomBytes(10));
    await pool.query('DELETE FROM blob WHERE id = $1', [id]);
    const { rowCount } = await pool.query('SELECT 1 FROM chunk WHERE blob_id = $1', [id]);
    expect(rowCount).toBe(0);
  });
});

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* cutUp(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function* inTheSameMemory(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  const memory = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) yield memory.subarray(0, bytes.copy(memory, 0, at, at + size));
}
