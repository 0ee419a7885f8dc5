import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHUNK_BYTES } from '../../src/blobs/blob-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import type { CheckedDataset } from '../../src/training/check-training-request.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Program, runProgram } from '../support/processes.ts';
import { insertDataset, postJob } from '../support/training-jobs.ts';

/** Its state is larger than one chunk, and its epochs slow enough to each leave a checkpoint. */
const DIGITS = {
  target: 'digit',
  task: 'classification',
  spec: {
    layers: [
      { type: 'dense', units: 1500, activation: 'relu' },
      { type: 'dropout', rate: 0.2 },
      { type: 'dense', units: 10, activation: 'softmax' },
    ],
  },
  training: {
    epochs: 12,
    batch_size: 32,
    optimizer: { type: 'adam', learning_rate: 0.001 },
    seed: 3,
    checkpoint: { every_epochs: 1, every_seconds: 0, keep: 3 },
  },
};

const NEWEST = '(SELECT blob_id FROM checkpoint WHERE job_id = $1 ORDER BY epoch DESC LIMIT 1)';

/** What can happen to stored bytes, as statements about the job's newest checkpoint. */
const DAMAGES = [
  ['a flipped byte', `UPDATE chunk SET data = set_byte(data, 5000, get_byte(data, 5000) # 1) WHERE n = 0 AND blob_id = ${NEWEST}`],
  ['a lost chunk', `DELETE FROM chunk WHERE n = 1 AND blob_id = ${NEWEST}`],
  ['a chunk cut short', `UPDATE chunk SET data = substring(data FROM 1 FOR 1000) WHERE n = 1 AND blob_id = ${NEWEST}`],
] as const;

describe('a job whose checkpoints are damaged while its worker is dead', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  let pool: pg.Pool;
  let dataset: CheckedDataset;
  let expected: { weights: string; epochs: object[] };
  const workers: Program[] = [];

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 4, onError: () => undefined });
    pool = database.pool;
    dataset = await insertDataset(pool, 'digits');
  });

  afterEach(async () => {
    for (const worker of workers.splice(0)) {
      worker.child.kill('SIGKILL');
      await worker.exit();
    }
    await database.close();
    await testDatabase.drop();
  });

  async function startWorker(): Promise<Program> {
    const env = {
      ROLE: 'worker',
      DATABASE_URL: testDatabase.url,
      QUEUE: 'postgres',
      REDIS_URL: '',
      WORKER_CONCURRENCY: '1',
      LEASE_SECONDS: '3',
    };
    const worker = runProgram('workers/main.ts', [], env);
    workers.push(worker);
    await worker.line(/worker_ready/);
    return worker;
  }

  const query = async (sql: string, values: unknown[]) => (await pool.query(sql, values)).rows;

  /** How the job ended. */
  async function outcome(jobId: string): Promise<{ weights: string; epochs: object[] }> {
    const result = await eventually(
      `the end of ${jobId}`,
      async () => (await query(`SELECT result FROM job WHERE id = $1 AND status = 'succeeded'`, [jobId]))[0]?.result ?? null,
      50_000,
    );
    const epochs = await query('SELECT epoch, step, metrics, learning_rate FROM epoch WHERE job_id = $1 ORDER BY epoch', [jobId]);
    return { weights: result.weights_sha256, epochs };
  }

  /** Its checkpoints when the worker was killed, newest first. */
  async function interruptedJob(): Promise<{ jobId: string; checkpoints: { id: string; epoch: number }[] }> {
    const undisturbed = await postJob(pool, dataset, DIGITS);
    const doomed = await startWorker();
    expected = await outcome(undisturbed);
    const jobId = await postJob(pool, dataset, DIGITS);
    await eventually('two checkpoints', async () =>
      (await query('SELECT FROM checkpoint WHERE job_id = $1', [jobId])).length >= 2 ? true : null,
    );
    doomed.child.kill('SIGKILL');
    await doomed.exit();
    return { jobId, checkpoints: await query('SELECT id, epoch FROM checkpoint WHERE job_id = $1 ORDER BY epoch DESC', [jobId]) };
  }

  async function events(jobId: string, type: string): Promise<Record<string, unknown>[]> {
    return (await query('SELECT data FROM job_event WHERE job_id = $1 AND type = $2 ORDER BY seq', [jobId, type])).map(({ data }) => data);
  }

  it.each(DAMAGES)('goes on from the one before after %s, to the same bits, and says so', async (_, damage) => {
    const { jobId, checkpoints } = await interruptedJob();
    await pool.query(damage, [jobId]);
    await startWorker();
    expect(await outcome(jobId)).toEqual(expected);
    const [newest, previous] = checkpoints;
    expect(await events(jobId, 'warning')).toEqual([
      { code: 'checkpoint_damaged', detail: expect.stringContaining(`${newest?.id} after epoch ${newest?.epoch}`) },
    ]);
    expect(await events(jobId, 'resumed')).toEqual([{ attempt: 2, epoch: previous?.epoch }]);
    expect(await query('SELECT FROM checkpoint WHERE id = $1', [newest?.id])).toEqual([]);
  });

  it('starts from the beginning when none is whole, to the same bits', async () => {
    const { jobId, checkpoints } = await interruptedJob();
    await pool.query('DELETE FROM chunk WHERE n = 0 AND blob_id IN (SELECT blob_id FROM checkpoint WHERE job_id = $1)', [jobId]);
    await startWorker();
    expect(await outcome(jobId)).toEqual(expected);
    expect(await events(jobId, 'warning')).toHaveLength(checkpoints.length);
    expect(await events(jobId, 'resumed')).toEqual([]);
    expect((await events(jobId, 'log')).map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^Attempt 2 starts from the beginning, with engine \S+ on \S+\.$/),
    );
  });

  it('has states of more than one chunk, for otherwise the tests above damage nothing', async () => {
    const { jobId } = await interruptedJob();
    const [blob] = await query(`SELECT bytes::int FROM blob WHERE id = ${NEWEST}`, [jobId]);
    expect(blob.bytes).toBeGreaterThan(CHUNK_BYTES + 5000);
  });
});
