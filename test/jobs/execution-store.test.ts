import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBlobStore } from '../../src/blobs/blob-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { commitEpochs, DeterminismError } from '../../src/jobs/epoch-commit.ts';
import { type ClaimedJob, createExecutionStore, type ExecutionStore } from '../../src/jobs/execution-store.ts';
import { LeaseLostError } from '../../src/jobs/job-fence.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { createLeaseRecovery, type LeaseRecovery } from '../../src/jobs/lease-recovery.ts';
import type { EpochRecord } from '../../src/threads/protocol.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { IDENTITY, insertJob } from '../support/job-rows.ts';
import { insertDataset } from '../support/training-jobs.ts';

const LEASE_SECONDS = 15;
const PROGRESS = { fraction: 0.5, epoch: 1, epochs: 2, step: 10, steps: 20, eta_seconds: null, samples_per_second: null };

const LAYER = {
  layer: 'dense',
  gradient_norm: 1,
  update_ratio: 0.001,
  activation_mean: 0,
  activation_std: 1,
  saturated: null,
  dead: null,
};

describe('execution of jobs in the database', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  let executions: ExecutionStore;
  let recovery: LeaseRecovery;

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 8, onError: () => undefined });
    executions = createExecutionStore({
      pool: database.pool,
      blobs: createBlobStore(database.pool),
      leaseSeconds: LEASE_SECONDS,
      identity: IDENTITY,
      alone: true,
    });
    recovery = createLeaseRecovery(database.pool);
  });

  afterEach(async () => {
    await database.close();
    await testDatabase.drop();
  });

  async function claimed(jobId: string, workerId = 'wrk_A'): Promise<ClaimedJob> {
    const job = await executions.claim(jobId, workerId);
    if (job === null) throw new Error('nothing was claimed');
    return job;
  }

  const commit = (job: ClaimedJob, epochs: EpochRecord[], state: Uint8Array | null = null): Promise<void> =>
    commitEpochs(
      { pool: database.pool, blobs: createBlobStore(database.pool), leaseSeconds: LEASE_SECONDS, identity: IDENTITY },
      job.lease,
      { epochs, state, progress: PROGRESS, keep: 1 },
    );

  const epoch = (n: number, loss = 1 / n): EpochRecord => ({
    epoch: n,
    step: n * 10,
    metrics: { loss },
    learning_rate: 0.1,
    seconds: 0.01,
    best: { epoch: n, metric: 'loss', value: loss },
  });

  async function row(jobId: string) {
    const { rows } = await database.pool.query('SELECT * FROM job WHERE id = $1', [jobId]);
    return rows[0];
  }

  async function events(jobId: string): Promise<{ seq: number; type: string; data: Record<string, unknown> }[]> {
    const { rows } = await database.pool.query('SELECT seq, type, data FROM job_event WHERE job_id = $1 ORDER BY seq', [jobId]);
    return rows;
  }

  const expireLease = (jobId: string) =>
    database.pool.query(`UPDATE job SET lease_until = now() - interval '1 second' WHERE id = $1`, [jobId]);

  it('gives a job to exactly one of sixteen that claim it together', async () => {
    for (let round = 0; round < 10; round += 1) {
      const jobId = await insertJob(database.pool);
      const claims = await Promise.all(Array.from({ length: 16 }, (_, n) => executions.claim(jobId, `wrk_${n}`)));
      expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
      expect((await row(jobId)).attempt).toBe(1);
    }
  });

  it('gives nothing to a claim of an unknown, an ended or a running job', async () => {
    expect(await executions.claim('job_unknown', 'wrk_A')).toBeNull();
    const jobId = await insertJob(database.pool);
    const job = await claimed(jobId);
    expect(await executions.claim(jobId, 'wrk_B')).toBeNull();
    await executions.finishLeft(job.lease, 'cancelled');
    expect(await executions.claim(jobId, 'wrk_B')).toBeNull();
  });

  it('lets no write of an older claim through once the job was claimed again', async () => {
    const jobId = await insertJob(database.pool);
    const zombie = await claimed(jobId);
    await commit(zombie, [epoch(1)], Buffer.from('state 1'));
    await expireLease(jobId);
    const successor = await claimed(jobId, 'wrk_B');
    const before = [await row(jobId), await events(jobId)];
    await expect(commit(zombie, [epoch(2)], Buffer.from('state 2'))).rejects.toBeInstanceOf(LeaseLostError);
    await expect(executions.finishLeft(zombie.lease, 'cancelled')).rejects.toBeInstanceOf(LeaseLostError);
    await expect(executions.finishFailed(zombie.lease, 'error', { code: 'x', detail: 'x', errors: [], hint: null })).rejects.toBeInstanceOf(
      LeaseLostError,
    );
    await expect(executions.release(zombie.lease)).rejects.toBeInstanceOf(LeaseLostError);
    await executions.writeProgress(zombie.lease, { ...PROGRESS, step: 999 });
    expect([await row(jobId), await events(jobId)]).toEqual(before);
    await commit(successor, [epoch(2)]);
  });

  it('stores every epoch of a batch, its event and the newest state, and numbers events without gaps', async () => {
    const jobId = await insertJob(database.pool);
    const job = await claimed(jobId);
    await commit(job, [epoch(1), epoch(2), epoch(3)], Buffer.from('state 3'));
    await commit(job, [{ ...epoch(4), best: epoch(3).best }], Buffer.from('state 4'));
    await commit(job, [{ ...epoch(5), best: epoch(3).best }], Buffer.from('state 5'));
    const log = await events(jobId);
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
    expect(log.filter(({ type }) => type === 'epoch').map(({ data }) => data['epoch'])).toEqual([1, 2, 3, 4, 5]);
    const { rows: kept } = await database.pool.query('SELECT epoch FROM checkpoint WHERE job_id = $1 ORDER BY epoch', [jobId]);
    expect(kept.map((checkpoint) => checkpoint.epoch)).toEqual([3, 5]);
    const { rowCount: blobs } = await database.pool.query('SELECT FROM blob');
    expect(blobs).toBe(2);
    expect((await row(jobId)).best).toMatchObject({ epoch: 3, checkpoint: expect.stringMatching(/^ckpt_/) });
  });

  it.each<[string, Partial<EpochRecord>]>([
    ['updates', { step: 11 }],
    ['metric', { metrics: { loss: 0.5, accuracy: 1 } }],
    ['last bit of a metric', { metrics: { loss: 0.1 + 0.2, accuracy: 0.5 } }],
    ['table', { matrices: { confusion: [[2, 0]] } }],
    ['learning rate', { learning_rate: 0.2 }],
    ['layer', { layers: [{ ...LAYER, gradient_norm: 2 }] }],
  ])('refuses an epoch computed again with another %s', async (_, other) => {
    const job = await claimed(await insertJob(database.pool));
    const stored = { ...epoch(1), metrics: { loss: 0.3, accuracy: 0.5 }, matrices: { confusion: [[1, 1]] }, layers: [LAYER] };
    await commit(job, [stored]);
    await commit(job, [{ ...stored, seconds: 99 }]);
    await expect(commit(job, [{ ...stored, ...other }])).rejects.toBeInstanceOf(DeterminismError);
  });

  it('accepts an epoch computed again when it is the same and refuses it when it differs', async () => {
    const jobId = await insertJob(database.pool);
    const job = await claimed(jobId);
    await commit(job, [epoch(1, 0.1 + 0.2), epoch(2, Number.NaN)]);
    const log = await events(jobId);
    await commit(job, [{ ...epoch(1, 0.1 + 0.2), seconds: 99 }, epoch(2, Number.NaN)]);
    expect(await events(jobId)).toEqual(log);
    await expect(commit(job, [epoch(1, 0.3), epoch(3)])).rejects.toBeInstanceOf(DeterminismError);
    const { rows } = await database.pool.query('SELECT epoch, metrics FROM epoch WHERE job_id = $1 ORDER BY epoch', [jobId]);
    expect(rows).toEqual([
      { epoch: 1, metrics: { loss: 0.1 + 0.2 } },
      { epoch: 2, metrics: { loss: null, non_finite: { loss: 'NaN' } } },
    ]);
  });

  it('gives a job back with a doorbell for the next attempt, without counting a crash', async () => {
    const jobId = await insertJob(database.pool, { doorbell: false });
    const job = await claimed(jobId);
    await executions.release(job.lease);
    const { rows } = await database.pool.query('SELECT attempt FROM outbox WHERE job_id = $1', [jobId]);
    expect(rows).toEqual([{ attempt: 2 }]);
    expect(await row(jobId)).toMatchObject({ status: 'queued', worker_id: null, lease_until: null });
    await claimed(jobId, 'wrk_B');
    expect(await row(jobId)).toMatchObject({ attempt: 2, crashes: 0, suspect: false });
  });

  it('interrupts the jobs of dead workers and those whose lease ran out, and no others', async () => {
    const [dead, expired, alive] = await Promise.all([insertJob(database.pool), insertJob(database.pool), insertJob(database.pool)]);
    await claimed(dead, 'wrk_dead');
    await claimed(expired, 'wrk_silent');
    await claimed(alive, 'wrk_alive');
    await expireLease(expired);
    expect(await recovery.interruptWorkers(['wrk_dead'])).toBe(1);
    expect(await recovery.interruptExpired()).toBe(1);
    expect(await recovery.interruptExpired()).toBe(0);
    const statuses = await Promise.all([dead, expired, alive].map(async (id) => (await row(id)).status));
    expect(statuses).toEqual(['interrupted', 'interrupted', 'running']);
    expect((await events(dead)).at(-1)).toMatchObject({ type: 'interrupted', data: { attempt: 1, reason: 'worker_lost' } });
  });

  it('cancels a job whose worker died before it heeded the request', async () => {
    const jobId = await insertJob(database.pool);
    await claimed(jobId, 'wrk_dead');
    await database.pool.query(`UPDATE job SET wish = 'cancel' WHERE id = $1`, [jobId]);
    await recovery.interruptWorkers(['wrk_dead']);
    expect(await row(jobId)).toMatchObject({ status: 'cancelled', stop_reason: 'cancelled' });
    expect((await events(jobId)).at(-1)).toMatchObject({ type: 'done', data: { status: 'cancelled' } });
  });

  it('ends a job that kills its worker three times while it is alone, without a new checkpoint', async () => {
    const jobId = await insertJob(database.pool);
    const die = async (): Promise<void> => {
      const job = await claimed(jobId, 'wrk_dead');
      expect(job.attempt).toBeGreaterThan(0);
      await recovery.interruptWorkers(['wrk_dead']);
    };
    await die();
    await die();
    await commit(await claimed(jobId), [epoch(1)], Buffer.from('state 1'));
    await recovery.interruptWorkers(['wrk_A']);
    await die();
    await die();
    expect(await executions.claim(jobId, 'wrk_B')).toBeNull();
    expect(await row(jobId)).toMatchObject({ status: 'failed', stop_reason: 'worker_lost_limit', error: { code: 'worker_lost_limit' } });
    const { rows: checkpoints } = await database.pool.query('SELECT epoch FROM checkpoint');
    expect(checkpoints).toEqual([{ epoch: 1 }]);
  });

  it('gives a job that may have killed its worker only to a process that is alone with it, until it gets further', async () => {
    const jobId = await insertJob(database.pool);
    const { pool } = database;
    const inCompany = createExecutionStore({
      pool,
      blobs: createBlobStore(pool),
      leaseSeconds: LEASE_SECONDS,
      identity: IDENTITY,
      alone: false,
    });
    expect(await inCompany.claim(jobId, 'wrk_many')).not.toBeNull();
    await recovery.interruptWorkers(['wrk_many']);
    expect(await row(jobId)).toMatchObject({ status: 'interrupted', suspect: true, crashes: 0 });
    expect(await inCompany.claim(jobId, 'wrk_many')).toBeNull();
    expect([await inCompany.needsOwnProcess(jobId), await executions.needsOwnProcess(jobId)]).toEqual([true, false]);
    const job = await claimed(jobId, 'wrk_alone');
    await commit(job, [epoch(1)], Buffer.from('state 1'));
    await executions.release(job.lease);
    expect(await inCompany.claim(jobId, 'wrk_many')).not.toBeNull();
  });

  it('gives a job that has epochs and no checkpoint only to who computes them to the same bits', async () => {
    const { pool } = database;
    const other = { engine: IDENTITY.engine, backend: 'wasm-simd128' };
    const blobs = createBlobStore(pool);
    const elsewhere = createExecutionStore({ pool, blobs, leaseSeconds: LEASE_SECONDS, identity: other, alone: true });
    const jobId = await insertJob(pool, { datasetId: (await insertDataset(pool, 'xor')).id });
    const job = await claimed(jobId);
    await commit(job, [epoch(1)]);
    await executions.release(job.lease);
    expect(await elsewhere.claim(jobId, 'wrk_other')).toBeNull();
    expect(await row(jobId)).toMatchObject({ status: 'waiting_for_worker', ...IDENTITY });
    const said = (await events(jobId)).filter(({ type }) => type === 'log').map(({ data }) => data['message']);
    expect(said).toEqual([expect.stringContaining(`engine ${IDENTITY.engine} on ${IDENTITY.backend}`)]);
    expect([await recovery.queueFor(other), await recovery.queueFor(IDENTITY)]).toEqual([0, 1]);
    const again = await claimed(jobId);
    await commit(again, [epoch(1)]);
    await executions.finishLeft(again.lease, 'cancelled');
    // Once they are forgotten it is anybody's.
    await createJobStore(database).ask('prj_default', jobId, { type: 'retry', from: 'start' });
    expect(await row(jobId)).toMatchObject({ status: 'queued', engine: null, backend: null });
    expect(await elsewhere.claim(jobId, 'wrk_other')).not.toBeNull();
  });

  it('no longer calls a job a fork that begins anew', async () => {
    const { pool } = database;
    const jobId = await insertJob(pool, { datasetId: (await insertDataset(pool, 'xor')).id });
    await pool.query(`UPDATE job SET forked_from = '{"job": "job_A", "checkpoint": "ckpt_A", "epoch": 3}' WHERE id = $1`, [jobId]);
    const job = await claimed(jobId);
    expect(job.isFork).toBe(true);
    await executions.finishLeft(job.lease, 'cancelled');
    await createJobStore(database).ask('prj_default', jobId, { type: 'retry', from: 'start' });
    expect(await row(jobId)).toMatchObject({ status: 'queued', forked_from: null });
    expect((await events(jobId)).filter(({ type }) => type === 'warning')).toMatchObject([{ data: { code: 'fork_forgotten' } }]);
  });

  it('is guarded by the database too: an end is written once, and a fence never goes back', async () => {
    const jobId = await insertJob(database.pool);
    const job = await claimed(jobId);
    await expect(database.pool.query('UPDATE job SET fence = 0 WHERE id = $1', [jobId])).rejects.toThrow('goes back');
    await expect(database.pool.query(`UPDATE job SET status = 'lost' WHERE id = $1`, [jobId])).rejects.toThrow('job_status_known');
    await executions.finishLeft(job.lease, 'cancelled');
    for (const status of ['queued', 'running', 'succeeded', 'failed']) {
      await expect(database.pool.query('UPDATE job SET status = $2 WHERE id = $1', [jobId, status])).rejects.toThrow(
        'has ended as cancelled',
      );
    }
    await database.pool.query(`UPDATE job SET status = 'queued', retries = retries + 1 WHERE id = $1`, [jobId]);
    expect(await row(jobId)).toMatchObject({ status: 'queued', retries: 1 });
  });

  it('makes weights, version, deployment and the terminal state visible together', async () => {
    const jobId = await insertJob(database.pool);
    const job = await claimed(jobId);
    await commit(job, [epoch(1)], Buffer.from('state 1'));
    const model = {
      stopReason: 'completed' as const,
      result: { metrics: { loss: 1 }, converged: true, weights_sha256: 'abc' },
      receipt: { seed: 0 },
      progress: { ...PROGRESS, fraction: 1 },
      weightsFile: Buffer.from('weights'),
      version: {
        modelName: 'iris',
        deployment: 'flowers',
        spec: { layers: [] },
        metrics: {},
        preprocessing: {},
        signature: {},
        labels: ['a'],
        golden: { instances: [{ x: 1 }], predictions: [{ label: 'a' }] },
      },
    };
    await executions.finishSucceeded(job, model);
    const ended = await row(jobId);
    expect(ended).toMatchObject({
      status: 'succeeded',
      stop_reason: 'completed',
      result: { model: 'iris', version: 1, deployment: 'flowers', weights_sha256: 'abc' },
    });
    expect(ended.best.checkpoint).toMatch(/^ckpt_/);
    const { rows: versions } = await database.pool.query('SELECT model_name, version, weights_blob_id, labels FROM model_version');
    expect(versions).toEqual([{ model_name: 'iris', version: 1, weights_blob_id: ended.weights_blob_id, labels: ['a'] }]);
    const { rows: deployed } = await database.pool.query('SELECT name, model_name, version FROM deployment');
    expect(deployed).toEqual([{ name: 'flowers', model_name: 'iris', version: 1 }]);
    expect((await events(jobId)).slice(-2).map(({ type }) => type)).toEqual(['status', 'done']);
    await expect(executions.finishSucceeded(job, model)).rejects.toBeInstanceOf(LeaseLostError);
  });
});
