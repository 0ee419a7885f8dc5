import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BlobStore, createBlobStore } from '../../src/blobs/blob-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { commitEpochs } from '../../src/jobs/epoch-commit.ts';
import { type ClaimedJob, createExecutionStore, type ExecutionStore, type TrainedModel } from '../../src/jobs/execution-store.ts';
import { createJobStore } from '../../src/jobs/job-store.ts';
import { createLeaseRecovery } from '../../src/jobs/lease-recovery.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { IDENTITY, insertJob } from '../support/job-rows.ts';

const LEASE_SECONDS = 15;
const PROGRESS = { fraction: 0.5, epoch: 1, epochs: 2, step: 10, steps: 20, eta_seconds: null, samples_per_second: null };
const EPOCH = { epoch: 1, step: 10, metrics: { loss: 1 }, learning_rate: 0.1, seconds: 1, best: { epoch: 1, metric: 'loss', value: 1 } };
const MODEL: TrainedModel = {
  stopReason: 'completed',
  result: { metrics: { loss: 1 }, converged: true, weights_sha256: 'abc' },
  receipt: {},
  progress: PROGRESS,
  weightsFile: Buffer.from('weights'),
  version: null,
};

describe('a job in several hands', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  let executions: ExecutionStore;

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 8, onError: () => undefined });
    executions = executionsWith(createBlobStore(database.pool));
  });

  afterEach(async () => {
    await database.close();
    await testDatabase.drop();
  });

  const executionsWith = (blobs: BlobStore): ExecutionStore =>
    createExecutionStore({ pool: database.pool, blobs, leaseSeconds: LEASE_SECONDS, identity: IDENTITY, alone: true });

  async function claimed(): Promise<ClaimedJob> {
    const job = await executions.claim(await insertJob(database.pool), 'wrk_A');
    if (job === null) throw new Error('nothing was claimed');
    return job;
  }

  const cancel = (jobId: string) => createJobStore(database).ask('prj_default', jobId, { type: 'cancel' });

  async function row(jobId: string) {
    const { rows } = await database.pool.query('SELECT * FROM job WHERE id = $1', [jobId]);
    return rows[0];
  }

  /** Blobs whose bytes arrive, but whose writer waits until it is let go on. */
  function slowBlobs() {
    const blobs = createBlobStore(database.pool);
    const arrived = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const write: BlobStore['write'] = async (client, source) => {
      const blob = await blobs.write(client, source);
      arrived.resolve();
      await goOn.promise;
      return blob;
    };
    return { blobs: { ...blobs, write }, arrived: arrived.promise, goOn: goOn.resolve };
  }

  async function canBeRenewedAndCancelled({ lease }: ClaimedJob): Promise<void> {
    const { rowCount } = await database.pool.query(
      `UPDATE job SET lease_until = now() + interval '15 s' WHERE id = $1 AND fence = $2 AND status = 'running'`,
      [lease.jobId, lease.fence],
    );
    expect(rowCount).toBe(1);
    expect((await cancel(lease.jobId))?.step.state).toMatchObject({ status: 'running', wish: 'cancel' });
  }

  /** Does the work while another transaction holds the rows of a query. */
  async function whileHeld<T>(sql: string, work: (letGo: () => Promise<void>) => Promise<T>): Promise<T> {
    const holder = await database.pool.connect();
    const letGo = async (): Promise<void> => void (await holder.query('ROLLBACK'));
    try {
      await holder.query('BEGIN');
      await holder.query(sql);
      return await work(letGo);
    } finally {
      holder.release(true);
    }
  }

  it('can be renewed and cancelled while a checkpoint is on its way to the database', async () => {
    const job = await claimed();
    const { blobs, arrived, goOn } = slowBlobs();
    const commit = commitEpochs({ pool: database.pool, blobs, leaseSeconds: LEASE_SECONDS, identity: IDENTITY }, job.lease, {
      epochs: [EPOCH],
      state: Buffer.from('state'),
      progress: PROGRESS,
      keep: 2,
    });
    await arrived;
    await canBeRenewedAndCancelled(job).finally(goOn);
    await commit;
    expect(await row(job.lease.jobId)).toMatchObject({ status: 'running', wish: 'cancel' });
  });

  it('can be renewed and cancelled while its weights are on their way to the database', async () => {
    const job = await claimed();
    const { blobs, arrived, goOn } = slowBlobs();
    const finish = executionsWith(blobs).finishSucceeded(job, MODEL);
    await arrived;
    await canBeRenewedAndCancelled(job).finally(goOn);
    await finish;
    expect(await row(job.lease.jobId)).toMatchObject({ status: 'succeeded' });
  });

  it('leaves no bytes behind when its lease is lost while they are written', async () => {
    const job = await claimed();
    const { blobs, arrived, goOn } = slowBlobs();
    const finish = executionsWith(blobs).finishSucceeded(job, MODEL);
    await arrived;
    await database.pool.query('UPDATE job SET fence = fence + 1 WHERE id = $1', [job.lease.jobId]);
    goOn();
    await expect(finish).rejects.toThrow('lost');
    const { rowCount } = await database.pool.query('SELECT FROM blob');
    expect(rowCount).toBe(0);
  });

  it('is taken from a dead worker although the transaction that worker died in still holds the row', async () => {
    const job = await claimed();
    const interrupted = await whileHeld('SELECT FROM job FOR UPDATE', async (letGo) => {
      const recovered = createLeaseRecovery(database.pool).interruptWorkers(['wrk_A']);
      await eventually('the recovery waits for the row', async () => {
        const { rowCount } = await database.pool.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rowCount === 1 ? true : null;
      });
      await letGo();
      return recovered;
    });
    expect(interrupted).toBe(1);
    expect(await row(job.lease.jobId)).toMatchObject({ status: 'interrupted' });
  });

  it('is cancelled, not queued, when its worker gives it back before it has heard of the cancellation', async () => {
    const job = await claimed();
    await cancel(job.lease.jobId);
    await executions.release(job.lease);
    expect(await row(job.lease.jobId)).toMatchObject({ status: 'cancelled', stop_reason: 'cancelled', worker_id: null });
    const { rowCount: doorbells } = await database.pool.query('SELECT FROM outbox WHERE attempt > 1');
    expect(doorbells).toBe(0);
  });

  it('leaves its checkpoint and no doorbell when it is cancelled after its worker died', async () => {
    const job = await claimed();
    const { jobId } = job.lease;
    const blobs = createBlobStore(database.pool);
    await commitEpochs({ pool: database.pool, blobs, leaseSeconds: LEASE_SECONDS, identity: IDENTITY }, job.lease, {
      epochs: [EPOCH],
      state: Buffer.from('state'),
      progress: PROGRESS,
      keep: 2,
    });
    await cancel(jobId);
    await createLeaseRecovery(database.pool).interruptWorkers(['wrk_A']);
    const { rowCount: doorbells } = await database.pool.query('SELECT FROM outbox');
    expect(doorbells).toBe(0);
    expect(await row(jobId)).toMatchObject({ status: 'cancelled', best: { epoch: 1, checkpoint: expect.stringMatching(/^ckpt_/) } });
  });

  it('is cancelled without waiting for a doorbell that a relay is handing over', async () => {
    const jobId = await insertJob(database.pool);
    await whileHeld('SELECT FROM outbox FOR UPDATE', async () => {
      expect((await cancel(jobId))?.before.status).toBe('queued');
    });
    expect(await row(jobId)).toMatchObject({ status: 'cancelled' });
  });

  it('shows no progress older than the newest epoch', async () => {
    const job = await claimed();
    await executions.writeProgress(job.lease, { ...PROGRESS, step: 11 });
    await executions.writeProgress(job.lease, { ...PROGRESS, step: 9 });
    expect((await row(job.lease.jobId)).progress.step).toBe(11);
  });
});
