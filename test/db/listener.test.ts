import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CHANNELS, openDatabase } from '../../src/db/database.ts';
import { createListener, type Listener, notify } from '../../src/db/listener.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

describe('listener', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let listener: Listener;
  let payloads: string[];
  let errors: Error[];

  beforeEach(async () => {
    database = await createTestDatabase();
    pool = new pg.Pool({ connectionString: database.url });
    // Dropping the database may end a connection that is still saying goodbye.
    pool.on('error', () => undefined);
    payloads = [];
    errors = [];
    listener = createListener(database.url, { onError: (error) => errors.push(error) });
    listener.on(CHANNELS.jobChanged, (payload) => payloads.push(payload));
    await vi.waitFor(() => expect(payloads).toEqual(['']), { timeout: 20_000 });
  });

  afterEach(async () => {
    await listener.close();
    await pool.end();
    await database.drop();
  });

  test('delivers what was committed and nothing that was rolled back', async () => {
    await withTransaction(pool, async (client) => {
      await notify(client, CHANNELS.jobChanged, 'rolled back');
      throw new Error('no');
    }).catch(() => undefined);
    const { prisma, close } = openDatabase(database.url, { poolSize: 1, onError: () => undefined });
    await prisma.$transaction((tx) => notify(tx, CHANNELS.jobChanged, 'by prisma'));
    await close();
    await notify(pool, CHANNELS.outbox, 'another channel');
    await notify(pool, CHANNELS.jobChanged, 'by pool');
    await vi.waitFor(() => expect(payloads).toEqual(['', 'by prisma', 'by pool']), { timeout: 20_000 });
  });

  test('comes back after its connection was cut and has its handlers read again', async () => {
    await pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'alma-listener' AND datname = current_database()",
    );
    await vi.waitFor(() => expect(payloads).toEqual(['', '']), { timeout: 20_000 });
    expect(errors).not.toEqual([]);
    await notify(pool, CHANNELS.jobChanged, 'after');
    await vi.waitFor(() => expect(payloads).toEqual(['', '', 'after']), { timeout: 20_000 });
  });

  test('a handler that throws is reported and keeps nobody from hearing', async () => {
    const heard: string[] = [];
    listener.on(CHANNELS.outbox, () => {
      throw new Error('handler');
    });
    const off = listener.on(CHANNELS.outbox, (payload) => heard.push(payload));
    await notify(pool, CHANNELS.outbox, 'first');
    await vi.waitFor(() => expect(heard).toEqual(['first']), { timeout: 20_000 });
    expect(errors.map((error) => error.message)).toEqual(['handler']);
    off();
    await notify(pool, CHANNELS.outbox, 'second');
    await notify(pool, CHANNELS.jobChanged, 'marker');
    await vi.waitFor(() => expect(payloads).toEqual(['', 'marker']), { timeout: 20_000 });
    expect(heard).toEqual(['first']);
  });
});
