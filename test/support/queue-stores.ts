import pg from 'pg';
import type { QueueStoreConfig } from '../../src/queue/queue-store.ts';
import { hasRedis, startTestRedis } from './redis.ts';

export interface TestQueueStore {
  readonly config: QueueStoreConfig;
  /** Forgets every message, as a Redis that lost its file does. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** The stores there are on this machine: PostgreSQL always, Redis where a server is found or given. Says which one is left out. */
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
  const { url, flush, stop } = await startTestRedis();
  return { config: { store: 'redis', url }, flush, close: stop };
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
