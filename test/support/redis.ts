import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisServer, startEmbeddedRedis } from '../../src/runtime/embedded-redis.ts';

export interface TestRedis {
  readonly url: string;
  stop(): Promise<void>;
}

/** Whether this machine can run the tests of the Redis store; `npm test` says so at its start. */
export async function hasRedis(): Promise<boolean> {
  return givenUrl() !== null || (await findRedisServer()) !== null;
}

/** The Redis of REDIS_URL, emptied by nobody: use names of your own; else a private instance that may be flushed and killed. */
export async function startTestRedis(): Promise<TestRedis> {
  const given = givenUrl();
  if (given !== null) return { url: given, stop: async () => {} };
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
