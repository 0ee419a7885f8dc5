import { once } from 'node:events';
import { openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BlobSource, CHUNK_BYTES, createBlobStore } from '../../src/blobs/blob-store.ts';
import { loadConfig } from '../../src/config.ts';
import { createDatasetService } from '../../src/datasets/dataset-service.ts';
import { createDatasetStore } from '../../src/datasets/dataset-store.ts';
import type { OpenedTable } from '../../src/datasets/table-reader.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { createCheckpointStore } from '../../src/jobs/checkpoint-store.ts';
import { createExecutionStore } from '../../src/jobs/execution-store.ts';
import { createJobProcessor, type JobProcessor, type JobProcessorDeps } from '../../src/jobs/job-processor.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { createLeaseKeeper } from '../../src/jobs/lease-keeper.ts';
import { createTrainPool } from '../../src/threads/train-pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { IDENTITY, insertJob } from '../support/job-rows.ts';
import { insertDataset, postJob } from '../support/training-jobs.ts';

/** Its state is some megabytes. */
const WIDE = {
  target: 'digit',
  task: 'classification',
  spec: {
    layers: [
      { type: 'dense', units: 512, activation: 'relu' },
      { type: 'dense', units: 512, activation: 'relu' },
      { type: 'dense', units: 10, activation: 'softmax' },
    ],
  },
  training: { epochs: 1000, batch_size: 512, optimizer: { type: 'adam', learning_rate: 0.001 } },
};

const fullFile = (): number => openSync('/dev/full', 'r+');
async function fullDisk(): Promise<never> {
  await writeFile('/dev/full', 'x');
  throw new Error('there is room on /dev/full');
}

describe('the processor of jobs', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 4, onError: () => undefined });
  });

  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await database.close();
    await testDatabase.drop();
  });

  function processorWith(changed: (deps: JobProcessorDeps) => Partial<JobProcessorDeps>): JobProcessor {
    const { pool } = database;
    const now = (): number => performance.now();
    const blobs = createBlobStore(pool);
    const keeper = createLeaseKeeper({ databaseUrl: testDatabase.url, leaseSeconds: 15, now, onError: () => undefined });
    const trainPool = createTrainPool({ threads: 1 });
    closing.push(keeper.close, trainPool.close);
    const deps: JobProcessorDeps = {
      workerId: 'wrk_A',
      apart: null,
      executions: createExecutionStore({ pool, blobs, leaseSeconds: 15, identity: IDENTITY, alone: true }),
      keeper,
      trainPool,
      pool,
      blobs,
      checkpoints: createCheckpointStore({ pool, blobs }),
      identity: IDENTITY,
      leaseSeconds: 15,
      releaseGraceMs: 10_000,
      datasets: createDatasetService({
        store: createDatasetStore({ database }),
        blobs,
        database,
        limits: loadConfig({}).limits,
        cacheBytesMax: 1e8,
      }),
      backend: 'auto',
      now,
      logger: pino({ level: 'silent' }),
    };
    return createJobProcessor({ ...deps, ...changed(deps) });
  }

  /** Of its log. */
  async function warningsOf(jobId: string): Promise<string[]> {
    const { rows } = await database.pool.query<{ message: string }>(
      `SELECT data->>'message' AS message FROM job_event WHERE job_id = $1 AND type = 'log' AND data->>'level' = 'warn'`,
      [jobId],
    );
    return rows.map(({ message }) => message);
  }

  const row = async (jobId: string) => (await database.pool.query('SELECT * FROM job WHERE id = $1', [jobId])).rows[0];

  it('gives back the job it is claiming, too, when its worker ends', async () => {
    const claiming = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const processor = processorWith(({ executions }) => ({
      executions: {
        ...executions,
        claim: async (jobId, workerId) => {
          claiming.resolve();
          await goOn.promise;
          return executions.claim(jobId, workerId);
        },
      },
    }));
    const jobId = await insertJob(database.pool, { request: { limits: { max_seconds: null } } });
    const handled = processor.process(jobId);
    await claiming.promise;
    let isReleased = false;
    const released = processor.releaseAll().then(() => {
      isReleased = true;
    });
    await new Promise(setImmediate);
    expect(isReleased).toBe(false);
    goOn.resolve();
    await Promise.all([released, handled]);
    expect(await row(jobId)).toMatchObject({ status: 'queued', attempt: 1, worker_id: null });
  });

  it('does not store the rest of a checkpoint once its job is to be cancelled', async () => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let bytes = 0;
    const heard = (onWish: () => void): void => {
      onWish();
      goOn.resolve();
    };
    const processor = processorWith(({ blobs, keeper }) => ({
      blobs: { ...blobs, write: (client, source) => blobs.write(client, watched(source)) },
      keeper: {
        ...keeper,
        watch: (lease, watcher, claimedAt) =>
          keeper.watch(lease, { ...watcher, onWish: (wish) => heard(() => watcher.onWish(wish)) }, claimedAt),
      },
    }));
    async function* watched(source: BlobSource): AsyncGenerator<Uint8Array> {
      for await (const chunk of source instanceof Uint8Array ? [source] : source) {
        bytes += chunk.length;
        yield chunk;
        begun.resolve();
        await goOn.promise;
      }
    }
    const dataset = await insertDataset(database.pool, 'digits');
    const jobId = await postJob(database.pool, dataset, WIDE);
    const handled = processor.process(jobId);
    await begun.promise;
    await createJobStore(database).ask('prj_default', jobId, { type: 'cancel' });
    processor.check();
    await handled;
    expect(await row(jobId)).toMatchObject({ status: 'cancelled' });
    expect(bytes).toBe(CHUNK_BYTES);
  });

  it('goes on without checkpoints where the disk has no room for them, and says so once', async () => {
    const trainPool = createTrainPool({ threads: 1, openStateFile: fullFile });
    closing.push(trainPool.close);
    const processor = processorWith(() => ({ trainPool }));
    const dataset = await insertDataset(database.pool, 'digits');
    const checkpoint = { every_epochs: 1, every_seconds: 0 };
    const jobId = await postJob(database.pool, dataset, { ...WIDE, training: { ...WIDE.training, epochs: 20, checkpoint } });
    await processor.process(jobId);
    expect(await row(jobId)).toMatchObject({ status: 'succeeded' });
    const { rows: checkpoints } = await database.pool.query('SELECT 1 FROM checkpoint WHERE job_id = $1', [jobId]);
    expect(checkpoints).toEqual([]);
    expect(await warningsOf(jobId)).toEqual([
      "The worker's disk has no room for the checkpoint after epoch 1: the training goes on without it.",
    ]);
  });

  it('fails a fork whose start is damaged, instead of starting another job in its name', async () => {
    const { pool } = database;
    const jobId = await postJob(pool, await insertDataset(pool, 'digits'), WIDE);
    const state = await withTransaction(pool, (client) => createBlobStore(pool).write(client, Buffer.from('a state')));
    await pool.query(`UPDATE chunk SET data = 'no state' WHERE blob_id = $1`, [state.id]);
    await pool.query(`INSERT INTO checkpoint (id, job_id, epoch, step, blob_id, engine, backend) VALUES ('ckpt_A', $1, 3, 9, $2, $3, $4)`, [
      jobId,
      state.id,
      IDENTITY.engine,
      IDENTITY.backend,
    ]);
    await pool.query(`UPDATE job SET forked_from = '{"job": "job_A", "checkpoint": "ckpt_A", "epoch": 3}' WHERE id = $1`, [jobId]);
    await processorWith(() => ({})).process(jobId);
    expect(await row(jobId)).toMatchObject({ status: 'failed', stop_reason: 'error', error: { code: 'storage_damaged' } });
  });

  it.each([
    ['cancelled', 'cancel'],
    ['paused', 'pause'],
  ] as const)('a job is %s while its data is read', async (status, verb) => {
    const reading = Promise.withResolvers<void>();
    const processor = processorWith(({ datasets }) => ({
      datasets: {
        ...datasets,
        openTable: async (_project, _id, { signal }) => {
          reading.resolve();
          await once(signal ?? new EventTarget(), 'abort');
          throw signal?.reason;
        },
      },
    }));
    const jobId = await postJob(database.pool, await insertDataset(database.pool, 'digits'), WIDE);
    const handled = processor.process(jobId);
    await reading.promise;
    await createJobStore(database).ask('prj_default', jobId, { type: verb });
    processor.check();
    await handled;
    expect(await row(jobId)).toMatchObject({ status });
  });

  it.each([
    ['what it reads', (table: OpenedTable) => table.close().then(fullDisk)],
    ['its rows once they are encoded', async (table: OpenedTable) => ({ ...table, table: { ...table.table, rowsFd: fullFile() } })],
  ])('gives a job back when the disk has no room for %s', async (_what, opened) => {
    const processor = processorWith(({ datasets }) => ({
      // More than may be in memory.
      datasets: { ...datasets, openTable: async (project, id) => opened(await datasets.openTable(project, id, { encodedBytes: 1e12 })) },
    }));
    const dataset = await insertDataset(database.pool, 'digits');
    const jobId = await postJob(database.pool, dataset, WIDE);
    const handled = processor.process(jobId);
    const said = "The worker's machine has a fault (ENOSPC): it gives the job back.";
    await eventually('the log says why', async () => ((await warningsOf(jobId)).includes(said) ? true : null));
    // It waits before it does, for it would be given the job again; but not once somebody wants something.
    expect(await row(jobId)).toMatchObject({ status: 'running' });
    await processor.releaseAll();
    await handled;
    expect(await row(jobId)).toMatchObject({ status: 'queued', attempt: 1, worker_id: null, error: null });
  });
});
