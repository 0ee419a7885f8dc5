import { hostname } from 'node:os';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBlobStore } from '../../src/blobs/blob-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { decodeWeights, weightsData } from '../../src/engine/index.ts';
import { createFleetService } from '../../src/fleet/fleet-service.ts';
import { createWorkerStore } from '../../src/fleet/worker-store.ts';
import { createLeaseRecovery } from '../../src/jobs/lease-recovery.ts';
import { sha256 } from '../../src/lib/sha256.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { type Program, runProgram } from '../support/processes.ts';
import { availableQueueStores, openTestQueueStore, type TestQueueStore } from '../support/queue-stores.ts';
import { insertDataset, postJob } from '../support/training-jobs.ts';

const IRIS = {
  target: 'species',
  task: 'classification',
  spec: {
    layers: [
      { type: 'dense', units: 16, activation: 'relu' },
      { type: 'dropout', rate: 0.2 },
      { type: 'dense', units: 3, activation: 'softmax' },
    ],
  },
  training: { epochs: 30, batch_size: 16, optimizer: { type: 'adam', learning_rate: 0.01 }, seed: 7 },
};

/** Seconds of work, in epochs of some tens of milliseconds. */
const DIGITS = {
  target: 'digit',
  task: 'classification',
  spec: {
    layers: [
      { type: 'dense', units: 256, activation: 'relu' },
      { type: 'dropout', rate: 0.2 },
      { type: 'dense', units: 10, activation: 'softmax' },
    ],
  },
  training: { epochs: 80, batch_size: 32, optimizer: { type: 'adam', learning_rate: 0.001 }, seed: 3 },
};

interface JobRow {
  readonly status: string;
  readonly stop_reason: string | null;
  readonly attempt: number;
  readonly result: { metrics: Record<string, number>; weights_sha256: string; model: string | null; version: number | null } | null;
  readonly weights_blob_id: string | null;
  readonly receipt: Record<string, unknown>;
  readonly error: unknown;
  readonly progress: { fraction: number };
  readonly best: { epoch: number; checkpoint: string | null };
}

describe.each(await availableQueueStores())('workers with the queue on %s', (kind) => {
  let testDatabase: TestDatabase;
  let database: Database;
  let pool: pg.Pool;
  let testStore: TestQueueStore;
  const workers: Program[] = [];

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 4, onError: () => undefined });
    pool = database.pool;
    testStore = await openTestQueueStore(kind, testDatabase.url);
  });

  afterEach(async () => {
    for (const worker of workers.splice(0)) {
      worker.child.kill('SIGKILL');
      await worker.exit();
    }
    await database.close();
    await testStore.close();
    await testDatabase.drop();
  });

  async function startWorker(env: Record<string, string> = {}): Promise<Program> {
    const { store, url } = testStore.config;
    const worker = runProgram('workers/main.ts', [], {
      ROLE: 'worker',
      DATABASE_URL: testDatabase.url,
      QUEUE: store,
      REDIS_URL: store === 'redis' ? url : '',
      WORKER_CONCURRENCY: '1',
      LEASE_SECONDS: '3',
      ...env,
    });
    workers.push(worker);
    await worker.line(/worker_ready/);
    return worker;
  }

  async function row(jobId: string): Promise<JobRow> {
    const { rows } = await pool.query('SELECT * FROM job WHERE id = $1', [jobId]);
    return rows[0];
  }

  const ended = (jobId: string): Promise<JobRow> =>
    eventually(
      `the end of ${jobId}`,
      async () => {
        const job = await row(jobId);
        return ['succeeded', 'failed', 'cancelled'].includes(job.status) ? job : null;
      },
      50_000,
    );

  async function epochs(jobId: string): Promise<{ epoch: number; step: number; metrics: object; fence: number }[]> {
    const { rows } = await pool.query('SELECT epoch, step, metrics, fence FROM epoch WHERE job_id = $1 ORDER BY epoch', [jobId]);
    return rows;
  }

  const reachedEpoch = (jobId: string, epoch: number): Promise<true> =>
    eventually(`epoch ${epoch} of ${jobId}`, async () => ((await epochs(jobId)).length >= epoch ? true : null));

  async function eventTypes(jobId: string): Promise<string[]> {
    const { rows } = await pool.query('SELECT type FROM job_event WHERE job_id = $1 ORDER BY seq', [jobId]);
    return rows.map(({ type }) => type);
  }

  /** What does not depend on where the queue lives is tried once. */
  const onOneStore = it.runIf(kind === 'postgres');

  it('trains a queued job to a model version, with its weights file, receipt and every epoch', async () => {
    const dataset = await insertDataset(pool, 'iris');
    const jobId = await postJob(pool, dataset, { ...IRIS, on_success: { model: 'iris' } });
    await startWorker();
    const job = await ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded', stop_reason: 'completed', attempt: 1, error: null });
    expect(job.result).toMatchObject({ model: 'iris', version: 1, weights_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(job.result?.metrics['val_accuracy']).toBeGreaterThan(0.85);
    expect(job.receipt).toMatchObject({ dataset_sha256: dataset.sha256, seed: 7, engine: expect.any(String), backend: expect.any(String) });
    expect(job.progress.fraction).toBe(1);
    const { tensors, metadata } = decodeWeights(await createBlobStore(pool).readAll(job.weights_blob_id ?? ''));
    expect(sha256(...weightsData(tensors))).toBe(job.result?.weights_sha256);
    expect(tensors.map(({ name }) => name)).toEqual(['dense/kernel', 'dense/bias', 'dense_1/kernel', 'dense_1/bias']);
    expect(JSON.parse(metadata['labels'] ?? '')).toEqual(['setosa', 'versicolor', 'virginica']);
    for (const name of ['spec', 'preprocessing', 'signature']) expect(JSON.parse(metadata[name] ?? '')).toEqual(expect.any(Object));
    expect((await epochs(jobId)).map(({ epoch }) => epoch)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    const { rowCount: checkpoints } = await pool.query('SELECT FROM checkpoint');
    expect(checkpoints).toBeLessThanOrEqual(2); // The newest and the best.
  });

  it('goes on from the checkpoint after its worker was killed, and ends with the same bits', async () => {
    const dataset = await insertDataset(pool, 'digits');
    const undisturbed = await postJob(pool, dataset, DIGITS);
    const doomed = await startWorker();
    const expected = await ended(undisturbed);
    const jobId = await postJob(pool, dataset, DIGITS);
    await reachedEpoch(jobId, 1);
    doomed.child.kill('SIGKILL');
    await startWorker();
    const job = await ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded', attempt: 2 });
    expect(job.result?.weights_sha256).toBe(expected.result?.weights_sha256);
    expect(job.result?.metrics).toEqual(expected.result?.metrics);
    const comparable = async (id: string) => (await epochs(id)).map(({ epoch, step, metrics }) => ({ epoch, step, metrics }));
    expect(await comparable(jobId)).toEqual(await comparable(undisturbed));
    expect(new Set((await epochs(jobId)).map(({ fence }) => fence))).toEqual(new Set([1, 2]));
    expect(await eventTypes(jobId)).toEqual(expect.arrayContaining(['interrupted', 'resumed', 'done']));
  });

  onOneStore('trains where no compiler built the kernels: with those in WebAssembly', async () => {
    const dataset = await insertDataset(pool, 'iris');
    const jobId = await postJob(pool, dataset, { ...IRIS, on_success: { model: 'iris' } });
    await startWorker({ ENGINE_BACKEND: 'wasm' });
    const job = await ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded', receipt: { backend: expect.stringMatching(/^wasm-simd128/) } });
    expect(job.result?.metrics['val_accuracy']).toBeGreaterThan(0.85);
  });

  onOneStore('gives its job back at once when its death is known', async () => {
    const dataset = await insertDataset(pool, 'digits');
    const jobId = await postJob(pool, dataset, DIGITS);
    const doomed = await startWorker();
    await reachedEpoch(jobId, 1);
    doomed.child.kill('SIGKILL');
    await doomed.exit();
    const recovery = createLeaseRecovery(pool);
    const fleet = createFleetService({ workers: createWorkerStore(database), recovery });
    expect(await fleet.processDied({ host: hostname(), pid: doomed.pid })).toBe(1);
    expect((await row(jobId)).status).toBe('interrupted');
    expect(await fleet.listLive('prj_default', 10, null)).toEqual([]);
  });

  onOneStore('stops a job whose epochs, computed again, differ from those stored', async () => {
    const dataset = await insertDataset(pool, 'digits');
    const training = { ...DIGITS.training, checkpoint: { every_epochs: 1000 } };
    const jobId = await postJob(pool, dataset, { ...DIGITS, training });
    const doomed = await startWorker();
    await reachedEpoch(jobId, 1);
    doomed.child.kill('SIGKILL');
    await doomed.exit();
    await pool.query(`UPDATE epoch SET metrics = '{"loss": 0}' WHERE job_id = $1 AND epoch = 1`, [jobId]);
    await startWorker();
    expect(await ended(jobId)).toMatchObject({ status: 'failed', stop_reason: 'determinism_violation' });
  });

  onOneStore('stops a training that is to be cancelled and writes nothing more', async () => {
    const dataset = await insertDataset(pool, 'digits');
    const jobId = await postJob(pool, dataset, { ...DIGITS, training: { ...DIGITS.training, epochs: 100_000 } });
    await startWorker();
    await reachedEpoch(jobId, 1);
    await pool.query(`UPDATE job SET wish = 'cancel' WHERE id = $1`, [jobId]);
    await pool.query(`SELECT pg_notify('job_wish', $1)`, [jobId]);
    const job = await ended(jobId);
    expect(job).toMatchObject({ status: 'cancelled', stop_reason: 'cancelled', result: null });
    const count = (await epochs(jobId)).length;
    const other = await postJob(pool, dataset, { ...DIGITS, training: { ...DIGITS.training, epochs: 1 } });
    expect(await ended(other)).toMatchObject({ status: 'succeeded' });
    expect(await epochs(jobId)).toHaveLength(count);
  });

  it('gives its job back when it is told to end, and another worker finishes it', async () => {
    const dataset = await insertDataset(pool, 'digits');
    const jobId = await postJob(pool, dataset, DIGITS);
    const leaving = await startWorker();
    await reachedEpoch(jobId, 1);
    leaving.child.kill('SIGTERM');
    expect(await leaving.exit()).toEqual({ code: 0, signal: null });
    expect(await row(jobId)).toMatchObject({ status: 'queued', attempt: 1 });
    await startWorker();
    expect(await ended(jobId)).toMatchObject({ status: 'succeeded', attempt: 2 });
    expect(await eventTypes(jobId)).not.toContain('interrupted');
  });

  onOneStore(
    'keeps what was learned when the time is up, with the best weights if they were asked for and what they are worth',
    async () => {
      const dataset = await insertDataset(pool, 'digits');
      const early_stopping = { metric: 'val_loss', patience: 100_000, min_delta: 0, restore_best: true };
      const training = { ...DIGITS.training, epochs: 100_000, early_stopping };
      const split = { validation: 0.2, test: 0.1 };
      const jobId = await postJob(pool, dataset, { ...DIGITS, training, split, limits: { max_seconds: 3 } });
      await startWorker();
      const job = await ended(jobId);
      expect(job).toMatchObject({ status: 'succeeded', stop_reason: 'time_limit' });
      expect(job.result?.weights_sha256).toMatch(/^[0-9a-f]{64}$/);
      const losses = (await epochs(jobId)).map(({ metrics }) => Number(Object(metrics).val_loss));
      expect(job.result?.metrics['val_loss']).toBe(Math.min(...losses));
      expect(Object.keys(job.result?.metrics ?? {}).sort()).toEqual(
        ['accuracy', 'loss', 'test_accuracy', 'test_loss', 'val_accuracy', 'val_loss'].sort(),
      );
    },
  );

  onOneStore('keeps what earlier attempts learned when the time is up before this one has done an epoch', async () => {
    const dataset = await insertDataset(pool, 'digits');
    const training = { ...DIGITS.training, epochs: 100_000 };
    const jobId = await postJob(pool, dataset, { ...DIGITS, training, limits: { max_seconds: 1000 } });
    const doomed = await startWorker();
    await eventually('a checkpoint', async () => ((await eventTypes(jobId)).includes('checkpoint') ? true : null));
    doomed.child.kill('SIGKILL');
    await doomed.exit();
    // The time went by while nobody had the job.
    await pool.query(`UPDATE job SET started_at = started_at - interval '2000 seconds' WHERE id = $1`, [jobId]);
    await startWorker();
    const job = await ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded', stop_reason: 'time_limit', attempt: 2 });
    expect(job.result?.metrics).toMatchObject({ loss: expect.any(Number), val_loss: expect.any(Number), val_accuracy: expect.any(Number) });
  });

  onOneStore('fails a job whose loss becomes infinite and says so', async () => {
    const dataset = await insertDataset(pool, 'iris');
    const training = { ...IRIS.training, optimizer: { type: 'sgd', learning_rate: 1e30 } };
    const jobId = await postJob(pool, dataset, { ...IRIS, training });
    await startWorker();
    expect(await ended(jobId)).toMatchObject({ status: 'failed', stop_reason: 'divergence', error: { code: 'divergence' } });
  });

  onOneStore('stores every epoch of a training whose epochs are faster than commits', async () => {
    const dataset = await insertDataset(pool, 'xor');
    const layers = [
      { type: 'dense', units: 8, activation: 'tanh' },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ];
    const training = { epochs: 500, batch_size: 4, optimizer: { type: 'adam', learning_rate: 0.1 } };
    const body = { target: 'y', spec: { layers }, task: 'classification', split: { validation: 0 }, training };
    const jobId = await postJob(pool, dataset, body);
    await startWorker();
    const job = await ended(jobId);
    expect(job).toMatchObject({ status: 'succeeded' });
    expect(job.result?.metrics['accuracy']).toBe(1);
    expect(await epochs(jobId)).toHaveLength(500);
  });
});
