import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/runtime/embedded-postgres.ts';
import { findRedisServer, startEmbeddedRedis } from '../../src/runtime/embedded-redis.ts';
import { isProcessAlive } from '../../src/runtime/process-alive.ts';
import { expectGone, runProgram } from '../support/processes.ts';

const redisProgram = await findRedisServer();

describe('embedded servers', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'alma-servers-'));
    await chmod(dir, 0o711);
  });

  afterEach(() => rm(dir, { recursive: true, force: true }));

  const postgres = (durable = false) => startEmbeddedPostgres({ dataDir: join(dir, 'postgres'), database: 'alma', durable });

  test('what is written is there after a restart', async () => {
    const first = await postgres();
    expect(first).toMatchObject({ fresh: true, adopted: false });
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS n');
    await first.stop();
    expect(isProcessAlive(first.pid)).toBe(false);
    const second = await postgres();
    expect(second).toMatchObject({ fresh: false, adopted: false });
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
    await second.stop();
  });

  test('servers left behind by a killed process are taken over and can be stopped', async () => {
    const parent = runProgram('test/runtime/programs/start-servers.ts', [dir]);
    const postgresPid = Number((await parent.line(/^postgres (\d+)/))[1]);
    await parent.line(/ready/);
    parent.child.kill('SIGKILL');
    await parent.exit();
    const adopted = await postgres();
    expect(adopted).toMatchObject({ pid: postgresPid, adopted: true });
    await adopted.stop();
    await expectGone(postgresPid);
    if (redisProgram === null) return;
    const redisPid = Number((await parent.line(/^redis (\d+)/))[1]);
    const redis = await startEmbeddedRedis(redisProgram, join(dir, 'redis'));
    expect(redis.pid).toBe(redisPid);
    await redis.stop();
    await expectGone(redisPid);
  });

  test('a server that was killed is started again with its data', async () => {
    const first = await postgres(true);
    await query(first.url, 'CREATE TABLE kept AS SELECT 7 AS n');
    process.kill(first.pid, 'SIGKILL');
    await expectGone(first.pid);
    const second = await postgres(true);
    expect(second).toMatchObject({ adopted: false });
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
    await second.stop();
  });

  test.skipIf(redisProgram === null)(
    'a Redis that was killed is started again under its address, with its data, again and again',
    async () => {
      const redis = await startEmbeddedRedis(redisProgram ?? '', join(dir, 'redis'));
      const client = new Redis(redis.url);
      client.on('error', () => undefined); // It connects again by itself.
      await client.set('kept', '7');
      for (let times = 0; times < 2; times++) {
        const { pid } = redis;
        process.kill(pid, 'SIGKILL');
        await expectGone(pid);
        await redis.restart();
        expect(redis.pid).not.toBe(pid);
        expect(await client.get('kept')).toBe('7');
      }
      client.disconnect();
      await redis.stop();
      expect(isProcessAlive(redis.pid)).toBe(false);
    },
  );

  test.skipIf(redisProgram === null)('a Redis whose port is taken does not start, and starts once it is free', async () => {
    const redis = await startEmbeddedRedis(redisProgram ?? '', join(dir, 'redis'));
    process.kill(redis.pid, 'SIGKILL');
    await expectGone(redis.pid);
    const other = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => other.listen(Number(new URL(redis.url).port), '127.0.0.1', resolve));
    await expect(redis.restart()).rejects.toThrow('did not start');
    await new Promise((resolve) => other.close(resolve));
    await redis.restart();
    expect(isProcessAlive(redis.pid)).toBe(true);
    await redis.stop();
  });

  test.skipIf(redisProgram === null)('Redis needs its password and never evicts a doorbell', async () => {
    const { url, stop } = await startEmbeddedRedis(redisProgram ?? '', join(dir, 'redis'));
    const client = new Redis(url);
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    client.disconnect();
    const stranger = new Redis(url.replace(/:[^:@]+@/, ':wrong@'), { retryStrategy: () => null });
    stranger.on('error', () => undefined);
    await expect(stranger.ping()).rejects.toThrow();
    stranger.disconnect();
    await stop();
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
