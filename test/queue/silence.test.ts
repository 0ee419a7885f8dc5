import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { type SilenceWatch, watchForSilence } from '../../src/queue/silence.ts';
import { startSupervisor, type WorkerExit } from '../../src/runtime/supervisor.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { availableQueueStores, openTestQueueStore } from '../support/queue-stores.ts';
import { insertDataset, postJob } from '../support/training-jobs.ts';

const XOR = {
  target: 'y',
  task: 'classification',
  spec: { layers: [{ type: 'dense', units: 1, activation: 'sigmoid' }] },
  split: { validation: 0 },
  training: { epochs: 2 },
};

describe.each(await availableQueueStores())('a worker that stops consuming from %s without an error', (kind) => {
  it('is ended and replaced, and the waiting jobs run', async () => {
    const testDatabase = await createTestDatabase();
    const database = openDatabase(testDatabase.url, { poolSize: 2, onError: () => undefined });
    const store = await openTestQueueStore(kind, testDatabase.url);
    const dir = await mkdtemp(join(tmpdir(), 'alma-parked-'));
    const park = join(dir, 'park');
    await writeFile(park, '');
    const exits: WorkerExit[] = [];
    const supervisor = startSupervisor({
      entry: fileURLToPath(new URL('programs/parked-worker.ts', import.meta.url)),
      env: {
        ...process.env,
        ROLE: 'worker',
        DATABASE_URL: testDatabase.url,
        QUEUE: kind,
        REDIS_URL: kind === 'redis' ? store.config.url : '',
        WORKER_CONCURRENCY: '1',
        QUEUE_SILENCE_SECONDS: '1',
        LOG_LEVEL: 'silent',
        PARK: park,
      },
      logger: pino({ level: 'silent' }),
      onDeath: async (exit) => void exits.push(exit),
    });
    try {
      const dataset = await insertDataset(database.pool, 'xor');
      const jobs: string[] = [];
      for (let n = 0; n < 5; n += 1) jobs.push(await postJob(database.pool, dataset, XOR));
      await eventually('the worker is ended', () => exits[0] ?? null, 40_000);
      expect(exits).toEqual([{ pid: expect.any(Number), code: 1, signal: null }]);
      expect(existsSync(park)).toBe(false);
      const succeeded = async (): Promise<number> =>
        (await database.pool.query(`SELECT FROM job WHERE id = ANY($1) AND status = 'succeeded'`, [jobs])).rowCount ?? 0;
      await eventually('all jobs succeed', async () => ((await succeeded()) === jobs.length ? true : null), 40_000);
      expect(exits).toHaveLength(1);
    } finally {
      await supervisor.stop();
      await rm(dir, { recursive: true, force: true });
      await database.close();
      await store.close();
      await testDatabase.drop();
    }
  });
});

describe('silence', () => {
  let watch: SilenceWatch;
  afterEach(() => watch.close());

  /** A watch over a queue that answers so, and what it has said and asked until now. */
  function watched(countWaiting: () => Promise<number>) {
    const seen = { looks: 0, silences: 0, errors: 0 };
    watch = watchForSilence({
      countWaiting: () => {
        seen.looks += 1;
        return countWaiting();
      },
      concurrency: 1,
      silenceMs: 30,
      onSilence: () => {
        seen.silences += 1;
      },
      onError: () => {
        seen.errors += 1;
      },
    });
    return seen;
  }

  const manyLooks = (seen: { looks: number }) => eventually('many looks', () => (seen.looks >= 20 ? true : null));

  it('is told once when messages wait and none is taken', async () => {
    const seen = watched(async () => 3);
    await manyLooks(seen);
    expect(seen).toMatchObject({ silences: 1, errors: 0 });
  });

  it.each([
    ['nothing waits', async () => 0],
    ['the store does not answer', () => Promise.reject(new Error('gone'))],
  ])('is none when %s', async (_, countWaiting) => {
    const seen = watched(countWaiting);
    await manyLooks(seen);
    expect(seen).toMatchObject({ silences: 0, errors: 0 });
  });

  it('is none while messages are taken', async () => {
    const seen = watched(async () => {
      await watch.taking(Promise.resolve());
      return 3;
    });
    await manyLooks(seen);
    expect(seen.silences).toBe(0);
  });

  it('is none while this process has its hands full, and is seen once it has not', async () => {
    const seen = watched(async () => 3);
    const busy = Promise.withResolvers<void>();
    const taken = watch.taking(busy.promise);
    await eventually('it has looked, if at all', () => (seen.looks <= 1 ? true : null));
    expect(seen.silences).toBe(0);
    busy.resolve();
    await taken;
    await manyLooks(seen);
    expect(seen.silences).toBe(1);
  });
});
