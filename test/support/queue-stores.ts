import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { QueueStoreConfig } from '../../src/queue/queue-store.ts';
import { findRedisServer, startEmbeddedRedis } from '../../src/runtime/embedded-redis.ts';

export interface TestQueueStore {
  readonly config: QueueStoreConfig;
  /** Forgets every message, as a Redis that lost its file does. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** The stores there are on this machine: PostgreSQL always, Redis where a server is found. Says which one is left out. */
export async function availableQueueStores(): Promise<readonly QueueStoreConfig['store'][]> {
  if ((await findRedisServer()) !== null) return ['redis', 'postgres'];
  console.warn('no redis-server on PATH: the queue tests cover the PostgreSQL store only');
  return ['postgres'];
}

/** A store of the test's own; the PostgreSQL one lives in the test's database. */
export async function openTestQueueStore(store: QueueStoreConfig['store'], databaseUrl: string): Promise<TestQueueStore> {
  return store === 'redis' ? openRedis() : openPostgres(databaseUrl);
}

async function openRedis(): Promise<TestQueueStore> {
  const program = await findRedisServer();
  if (program === null) throw new Error('no redis-server on PATH');
  const dir = await mkdtemp(join(tmpdir(), 'alma-redis-'));
  const server = await startEmbeddedRedis(program, dir);
  return {
    config: { store: 'redis', url: server.url },
    flush: async () => {
      const client = new Redis(server.url);
      await client.flushall();
      client.disconnect();
    },
    close: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function openPostgres(url: string): TestQueueStore {
  return {
    config: { store: 'postgres', url },
    flush: async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`DELETE FROM bullmq.job`);
      await client.end();
    },
    close: async () => {},
  };
}
