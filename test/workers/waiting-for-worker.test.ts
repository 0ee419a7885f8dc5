import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Program, runProgram } from '../support/processes.ts';
import { insertDataset, postJob } from '../support/training-jobs.ts';

/** Some seconds of work on the slowest backend. */
const DIGITS = {
  target: 'digit',
  task: 'classification',
  spec: {
    layers: [
      { type: 'dense', units: 64, activation: 'relu' },
      { type: 'dense', units: 10, activation: 'softmax' },
    ],
  },
  training: { epochs: 30, batch_size: 32, seed: 3 },
};

describe('a job whose checkpoint only a worker of another kind can go on from', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  let pool: pg.Pool;
  const workers: Program[] = [];

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 4, onError: () => undefined });
    pool = database.pool;
  });

  afterEach(async () => {
    for (const worker of workers.splice(0)) await kill(worker);
    await database.close();
    await testDatabase.drop();
  });

  async function startWorker(): Promise<Program> {
    const worker = runProgram('workers/main.ts', [], {
      ROLE: 'worker',
      DATABASE_URL: testDatabase.url,
      QUEUE: 'postgres',
      REDIS_URL: '',
      WORKER_CONCURRENCY: '1',
      LEASE_SECONDS: '3',
      ENGINE_BACKEND: 'reference',
    });
    workers.push(worker);
    await worker.line(/worker_ready/);
    return worker;
  }

  async function kill(worker: Program): Promise<void> {
    worker.child.kill('SIGKILL');
    await worker.exit();
  }

  const query = async (sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows;
  const statusBecomes = (jobId: string, status: string): Promise<true> =>
    eventually(
      `${jobId} is ${status}`,
      async () => ((await query('SELECT status FROM job WHERE id = $1', [jobId]))[0].status === status ? true : null),
      50_000,
    );

  async function weightsOf(jobId: string): Promise<string> {
    await statusBecomes(jobId, 'succeeded');
    return (await query('SELECT result FROM job WHERE id = $1', [jobId]))[0].result.weights_sha256;
  }

  it('says so, and goes on to the same bits when there is such a worker', async () => {
    const dataset = await insertDataset(pool, 'digits');
    const first = await startWorker();
    const undisturbed = await postJob(pool, dataset, DIGITS);
    const expected = await weightsOf(undisturbed);
    const jobId = await postJob(pool, dataset, DIGITS);
    await eventually('a checkpoint', async () => (await query('SELECT FROM checkpoint WHERE job_id = $1', [jobId]))[0] ?? null);
    await kill(first);
    // As if the one that was killed had computed with other kernels.
    await query(`UPDATE checkpoint SET backend = 'native-avx2' WHERE job_id = $1`, [jobId]);
    await query('DELETE FROM worker');
    await startWorker();
    await statusBecomes(jobId, 'waiting_for_worker');
    const other = await postJob(pool, dataset, { ...DIGITS, training: { ...DIGITS.training, epochs: 1 } });
    await weightsOf(other);
    await statusBecomes(jobId, 'waiting_for_worker');
    await query(`UPDATE checkpoint SET backend = 'reference' WHERE job_id = $1`, [jobId]);
    expect(await weightsOf(jobId)).toBe(expected);
    const events = await query(`SELECT type, data FROM job_event WHERE job_id = $1 AND type IN ('status', 'resumed') ORDER BY seq`, [
      jobId,
    ]);
    expect(events.map(({ type, data }) => (type === 'resumed' ? type : data.status))).toEqual(
      // The first one, and the doorbell, are told where a job is posted.
      ['running', 'waiting_for_worker', 'queued', 'running', 'resumed', 'succeeded'],
    );
  });
});
