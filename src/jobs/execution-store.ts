// What a worker reads and writes of its jobs. Every write holds the job's row and checks the fence of the claim first, so
// that a worker which lost its lease changes nothing, whatever it still computes.

import type { Pool, PoolClient } from 'pg';
import type { BlobStore } from '../blobs/blob-store.ts';
import { CHANNELS } from '../db/database.ts';
import { withTransaction } from '../db/transaction.ts';
import { pointDeployment } from '../deployments/deployment-target.ts';
import { insertModelVersion, type NewModelVersion } from '../models/version-insert.ts';
import type { TrainingRequest } from '../training/training-request.ts';
import { appendEvents } from './execution-events.ts';
import { endJob, type JobFailure } from './job-ending.ts';
import { holdFence, type JobLease, withFence } from './job-fence.ts';
import type { StopReason } from './job-state.ts';
import type { JobProgress } from './job-store.ts';
import { ring } from './lease-recovery.ts';

/** A job taken by this worker. */
export interface ClaimedJob {
  readonly lease: JobLease;
  readonly projectId: string;
  readonly attempt: number;
  readonly request: TrainingRequest;
  readonly receipt: object;
  /** Seconds since the job was first claimed, waiting between attempts included: what `limits.max_seconds` counts. */
  readonly secondsUsed: number;
}

/** What every job that succeeds leaves behind. */
export interface JobSuccess {
  readonly stopReason: StopReason;
  readonly result: object;
  readonly receipt: object;
  readonly progress: JobProgress;
}

export interface TrainedModel extends JobSuccess {
  readonly result: { readonly metrics: object; readonly converged: boolean; readonly weights_sha256: string };
  /** The safetensors file. */
  readonly weightsFile: Uint8Array;
  /** Becomes a version of this model, when one was asked for. */
  readonly version: TrainedVersion | null;
}

export interface TrainedVersion extends Omit<NewModelVersion, 'projectId' | 'jobId' | 'weightsBlobId' | 'weightsSha256' | 'receipt'> {
  /** Name under which it is to be served at once. */
  readonly deployment: string | null;
}

/** A job whose worker dies this often without a new checkpoint in between takes its workers down: it is ended. */
const CRASHES_MAX = 3;

const WORKER_LOST: JobFailure = {
  code: 'worker_lost_limit',
  detail: `The worker died ${CRASHES_MAX} times while it ran this job, without getting to a new checkpoint in between.`,
  errors: [],
  hint: 'A smaller batch or network needs less memory.',
};

export type ExecutionStore = ReturnType<typeof createExecutionStore>;

export function createExecutionStore(deps: { pool: Pool; blobs: BlobStore; leaseSeconds: number }) {
  const { pool, blobs, leaseSeconds } = deps;
  return {
    /**
     * Takes a job that waits, or whose worker let its lease run out. Null when there is nothing to run: it has ended, a
     * living worker has it, or this very claim ended it.
     */
    claim: (jobId: string, workerId: string): Promise<ClaimedJob | null> =>
      withTransaction(pool, (client) => claim(client, { jobId, workerId, leaseSeconds })),

    /**
     * Shows how far a job is between epochs. Not worth a transaction: the next epoch writes it again. An epoch committed
     * meanwhile is further: progress does not go back.
     */
    async writeProgress({ jobId, fence }: JobLease, progress: JobProgress): Promise<void> {
      await pool.query(
        `WITH own AS (
           UPDATE job SET progress = $3 WHERE id = $1 AND fence = $2 AND status = 'running'
              AND coalesce((progress ->> 'step')::int, 0) <= $5 RETURNING id)
         SELECT pg_notify($4, id) FROM own`,
        [jobId, fence, JSON.stringify(progress), CHANNELS.jobChanged, progress.step],
      );
    },

    /** Weights, preprocessing, model version, deployment and the terminal state become visible together. */
    finishSucceeded: (job: ClaimedJob, success: JobSuccess | TrainedModel): Promise<void> =>
      withTransaction(pool, (client) => finishSucceeded(client, blobs, job, success)),

    finishFailed: (lease: JobLease, stopReason: StopReason, error: JobFailure): Promise<void> =>
      withFence(pool, lease, (client) => endJob(client, lease.jobId, { status: 'failed', stopReason, error })),

    finishCancelled: (lease: JobLease): Promise<void> =>
      withFence(pool, lease, (client) => endJob(client, lease.jobId, { status: 'cancelled' })),

    /** Gives the job back to the queue: another worker goes on from its newest checkpoint. One to be cancelled ends instead. */
    release: (lease: JobLease, attempt: number): Promise<void> => withFence(pool, lease, (client) => release(client, lease.jobId, attempt)),
  };
}

interface ClaimableRow {
  project_id: string;
  status: string;
  crash_count: number;
  cancel_requested: boolean;
}

interface ClaimedRow {
  fence: number;
  attempt: number;
  request: TrainingRequest;
  receipt: object;
  seconds_used: number;
}

async function claim(client: PoolClient, options: { jobId: string; workerId: string; leaseSeconds: number }): Promise<ClaimedJob | null> {
  const { jobId, workerId, leaseSeconds } = options;
  const { rows: claimable } = await client.query<ClaimableRow>(
    `SELECT project_id, status, crash_count, cancel_requested FROM job
      WHERE id = $1 AND (status IN ('queued', 'interrupted') OR (status = 'running' AND lease_until < now())) FOR UPDATE`,
    [jobId],
  );
  const job = claimable[0];
  if (job === undefined) return null;
  const crashCount = job.status === 'queued' ? job.crash_count : job.crash_count + 1;
  if (job.cancel_requested) {
    await endJob(client, jobId, { status: 'cancelled' });
    return null;
  }
  if (crashCount >= CRASHES_MAX) {
    await endJob(client, jobId, { status: 'failed', stopReason: 'worker_lost_limit', error: WORKER_LOST });
    return null;
  }
  const { rows } = await client.query<ClaimedRow>(
    `UPDATE job SET status = 'running', fence = fence + 1, attempt = attempt + 1, crash_count = $3, worker_id = $2,
                    lease_until = clock_timestamp() + make_interval(secs => $4), started_at = coalesce(started_at, now())
      WHERE id = $1
      RETURNING fence, attempt, request, receipt, extract(epoch FROM now() - started_at)::float8 AS seconds_used`,
    [jobId, workerId, crashCount, leaseSeconds],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`job ${jobId} vanished while its row was held`);
  await appendEvents(client, jobId, [{ type: 'status', data: { status: 'running', attempt: row.attempt } }]);
  await client.query('SELECT pg_notify($1, $2)', [CHANNELS.jobChanged, jobId]);
  const lease = { jobId, fence: row.fence };
  const { attempt, request, receipt, seconds_used: secondsUsed } = row;
  return { lease, projectId: job.project_id, attempt, request, receipt, secondsUsed };
}

async function release(client: PoolClient, jobId: string, attempt: number): Promise<void> {
  const { rowCount: cancelled } = await client.query('SELECT FROM job WHERE id = $1 AND cancel_requested', [jobId]);
  if (cancelled === 1) return endJob(client, jobId, { status: 'cancelled' });
  await client.query(`UPDATE job SET status = 'queued', worker_id = NULL, lease_until = NULL WHERE id = $1`, [jobId]);
  await appendEvents(client, jobId, [{ type: 'status', data: { status: 'queued', attempt } }]);
  await ring(client, jobId, attempt + 1);
}

async function finishSucceeded(client: PoolClient, blobs: BlobStore, job: ClaimedJob, success: JobSuccess | TrainedModel): Promise<void> {
  const { jobId } = job.lease;
  const model = 'weightsFile' in success ? success : null;
  const weightsBlobId = model && (await blobs.write(client, model.weightsFile)).id;
  await holdFence(client, job.lease);
  const version =
    model?.version && weightsBlobId ? await addVersion(client, versionOf(job, model, model.version, weightsBlobId)) : NO_VERSION;
  const result = { ...version, ...success.result };
  await client.query('UPDATE job SET receipt = $2, progress = $3 WHERE id = $1', [
    jobId,
    JSON.stringify(success.receipt),
    JSON.stringify(success.progress),
  ]);
  await endJob(client, jobId, { status: 'succeeded', stopReason: success.stopReason, result, weightsBlobId });
}

function versionOf({ projectId, lease }: ClaimedJob, { receipt, result }: TrainedModel, version: TrainedVersion, weightsBlobId: string) {
  return { ...version, projectId, jobId: lease.jobId, receipt, weightsBlobId, weightsSha256: result.weights_sha256 };
}

const NO_VERSION = { model: null, version: null, deployment: null };

/** Adds the version and serves it, if that was asked for. Its weights answered its golden rows when they were made. */
async function addVersion(
  client: PoolClient,
  trained: TrainedVersion & NewModelVersion,
): Promise<Record<keyof typeof NO_VERSION, unknown>> {
  const { projectId, modelName, deployment } = trained;
  const version = await insertModelVersion(client, trained);
  if (deployment !== null) await pointDeployment(client, { projectId, name: deployment, modelName, version });
  return { model: modelName, version, deployment };
}
