import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBlobStore } from '../../src/blobs/blob-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createExecutionStore } from '../../src/jobs/execution-store.ts';
import { createJobProcessor } from '../../src/jobs/job-processor.ts';
import { createLeaseKeeper } from '../../src/jobs/lease-keeper.ts';
import { createTrainPool } from '../../src/threads/train-pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { insertJob } from '../support/job-rows.ts';

describe('a worker that ends', () => {
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

  it('gives back the job it was claiming too', async () => {
    const { pool } = database;
    const now = () => performance.now();
    const executions = createExecutionStore({ pool, blobs: createBlobStore(pool), leaseSeconds: 15 });
    const keeper = createLeaseKeeper({ databaseUrl: testDatabase.url, leaseSeconds: 15, now, onError: () => undefined });
    const trainPool = createTrainPool({ threads: 1 });
    closing.push(keeper.close, trainPool.close);
    const claiming = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const processor = createJobProcessor({
      workerId: 'wrk_A',
      executions: {
        ...executions,
        claim: async (jobId, workerId) => {
          claiming.resolve();
          await goOn.promise;
          return executions.claim(jobId, workerId);
        },
      },
      keeper,
      trainPool,
      pool,
      blobs: createBlobStore(pool),
      leaseSeconds: 15,
      datasets: {
        get: () => Promise.reject(new Error('nothing is to be read for a job that is given back')),
        loadTable: () => Promise.reject(new Error('nothing is to be read for a job that is given back')),
      },
      backend: 'reference',
      now,
      logger: pino({ level: 'silent' }),
    });
    const jobId = await insertJob(pool, { request: { limits: { max_seconds: null } } });
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
    const { rows } = await pool.query('SELECT status, attempt, worker_id FROM job WHERE id = $1', [jobId]);
    expect(rows).toEqual([{ status: 'queued', attempt: 1, worker_id: null }]);
  });
});
