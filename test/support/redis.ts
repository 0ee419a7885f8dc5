import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findRedisServer, startEmbeddedRedis } from '../../src/runtime/embedded-redis.ts';

export interface TestRedis {
  readonly url: string;
  /** Forgets everything, as a Redis that lost its file does. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/** Whether the Redis store can be tested here: REDIS_URL is set or there is a server to start. */
export async function hasRedis(): Promise<boolean> {
  return givenUrl() !== null || (await findRedisServer()) !== null;
}

/** An empty Redis of the test's own: a database of the server of REDIS_URL, else a private server. */
export async function startTestRedis(): Promise<TestRedis> {
  const given = givenUrl();
  const redis = given === null ? await startPrivate() : { url: databaseOf(given), stop: async () => {} };
  const flush = async (): Promise<void> => {
    const client = new Redis(redis.url);
    await client.flushdb();
    client.disconnect();
  };
  await flush();
  return { ...redis, flush };
}

/** Test files run at the same time, each worker of vitest in one of Redis's databases 1 to 15; 0 is left alone. */
function databaseOf(url: string): string {
  const own = new URL(url);
  own.pathname = `/${1 + (Number(process.env['VITEST_POOL_ID'] ?? 0) % 15)}`;
  return own.href;
}

async function startPrivate(): Promise<{ url: string; stop(): Promise<void> }> {
  const program = await findRedisServer();
  if (program === null) throw new Error('no redis-server on PATH: ask hasRedis first');
  const dir = await mkdtemp(join(tmpdir(), 'alma-redis-'));
  const server = await startEmbeddedRedis(program, dir);
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function givenUrl(): string | null {
  const url = process.env['REDIS_URL'];
  return url === undefined || url === '' ? null : url;
}
