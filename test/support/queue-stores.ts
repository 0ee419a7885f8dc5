import { Redis } from 'ioredis';
import pg from 'pg';
import type { QueueStoreConfig } from '../../src/queue/queue-store.ts';
import { hasRedis, startTestRedis } from './redis.ts';

export interface TestQueueStore {
  readonly config: QueueStoreConfig;
  /** Forgets every message, as a Redis that lost its file does. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** The stores there are on this machine: PostgreSQL always, Redis where a server is found. Says which one is left out. */
export async function availableQueueStores(): Promise<readonly QueueStoreConfig['store'][]> {
  if (await hasRedis()) return ['redis', 'postgres'];
  console.warn('no Redis: the queue tests cover the PostgreSQL store only');
  return ['postgres'];
}

/** A store of the test's own; the PostgreSQL one lives in the test's database. */
export function openTestQueueStore(store: QueueStoreConfig['store'], databaseUrl: string): Promise<TestQueueStore> {
  return store === 'redis' ? openRedis() : openPostgres(databaseUrl);
}

async function openRedis(): Promise<TestQueueStore> {
  const server = await startTestRedis();
  // A server given from outside is shared by all test processes: each has a database of its own on it.
  const url = `${server.url.replace(/\/\d*$/, '')}/${Number(process.env['VITEST_POOL_ID'] ?? 0) % 16}`;
  const flush = async (): Promise<void> => {
    const client = new Redis(url);
    await client.flushdb();
    client.disconnect();
  };
  await flush();
  return { config: { store: 'redis', url }, flush, close: server.stop };
}

async function openPostgres(url: string): Promise<TestQueueStore> {
  const flush = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('DELETE FROM bullmq.job');
    await client.end();
  };
  return { config: { store: 'postgres', url }, flush, close: async () => {} };
}
