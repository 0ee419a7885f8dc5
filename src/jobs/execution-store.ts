// What a worker reads and writes of its jobs. Every write holds the job's row and checks the fence of the claim first, so
// that a worker which lost its lease changes nothing, whatever it still computes.

import type { Pool, PoolClient } from 'pg';
import type { BlobSource, BlobStore } from '../blobs/blob-store.ts';
import { CHANNELS } from '../db/database.ts';
import { withTransaction } from '../db/transaction.ts';
import { pointDeployment } from '../deployments/deployment-target.ts';
import { insertModelVersion, type NewModelVersion } from '../models/version-insert.ts';
import type { TrainingRequest } from '../training/training-request.ts';
import { type EngineIdentity, findMatch } from './checkpoint-match.ts';
import { advanceFenced, holdFence, type JobLease } from './job-fence.ts';
import { advanceHeld, holdJob } from './job-life-rows.ts';
import { appendLog } from './job-log.ts';
import { type StopReason, WAITING_STATUSES } from './job-state.ts';
import type { JobProgress } from './job-store.ts';
import type { JobFailure, JobWish } from './lifecycle/job-life.ts';

/** A job taken by this worker. */
export interface ClaimedJob {
  readonly lease: JobLease;
  readonly projectId: string;
  readonly attempt: number;
  readonly request: TrainingRequest;
  readonly receipt: object;
  /** Whether it began from a checkpoint of another job. */
  readonly isFork: boolean;
  /** What its owner asked before it was claimed: a stop that needs a worker. */
  readonly wish: JobWish | null;
  /** Seconds since it was first claimed, all waiting but pauses included: what `limits.max_seconds` counts. */
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
  readonly weightsFile: BlobSource;
  /** Becomes a version of this model, when one was asked for. */
  readonly version: TrainedVersion | null;
}

export interface TrainedVersion extends Omit<NewModelVersion, 'projectId' | 'jobId' | 'weightsBlobId' | 'weightsSha256' | 'receipt'> {
  /** Name under which it is to be served at once. */
  readonly deployment: string | null;
}

export interface ExecutionStoreDeps {
  readonly pool: Pool;
  readonly blobs: BlobStore;
  readonly leaseSeconds: number;
  /** Whose bits this process computes. */
  readonly identity: EngineIdentity;
  /** Whether this process runs one job at a time. */
  readonly alone: boolean;
}

export type ExecutionStore = ReturnType<typeof createExecutionStore>;

export function createExecutionStore(deps: ExecutionStoreDeps) {
  const { pool, blobs } = deps;
  return {
    /**
     * Takes a job that waits, or whose worker let its lease run out. Null when there is nothing to run here: it has ended, a
     * living worker has it, it is not for this process, or this very claim ended it.
     */
    claim: (jobId: string, workerId: string): Promise<ClaimedJob | null> =>
      withTransaction(pool, (client) => claim(client, deps, { jobId, workerId })),

    /** Whether a job waits that may only run in a process of its own, which this one is not. */
    async needsOwnProcess(jobId: string): Promise<boolean> {
      if (deps.alone) return false;
      const { rowCount } = await pool.query('SELECT FROM job WHERE id = $1 AND suspect AND status = ANY($2)', [jobId, WAITING_STATUSES]);
      return rowCount === 1;
    },

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
      withTransaction(pool, (client) => advanceFenced(client, lease, { type: 'failed', stopReason, error })),

    /** The training left at its owner's wish, and there is nothing to keep. */
    finishLeft: (lease: JobLease, stopReason: 'cancelled' | 'user_stop'): Promise<void> =>
      withTransaction(pool, (client) => advanceFenced(client, lease, { type: 'left', stopReason })),

    /** Gives the job back: it waits for another worker, is paused or ends, as its owner wants. */
    release: (lease: JobLease): Promise<void> => withTransaction(pool, (client) => advanceFenced(client, lease, { type: 'released' })),
  };
}

interface ClaimedRow {
  project_id: string;
  request: TrainingRequest;
  receipt: object;
  forked_from: object | null;
}

async function claim(
  client: PoolClient,
  { identity, alone, leaseSeconds }: ExecutionStoreDeps,
  { jobId, workerId }: { jobId: string; workerId: string },
): Promise<ClaimedJob | null> {
  const held = await holdJob(client, jobId);
  if (held === null) return null;
  const { match, bits } = await findMatch(client, jobId, identity);
  const { state } = await advanceHeld(client, held, { type: 'claimed', workerId, alone, leaseMs: leaseSeconds * 1000, match });
  const { fence, attempt, wish, startedAt } = state;
  if (state.status === 'waiting_for_worker' && bits !== null) {
    const message = `The job waits for a worker with engine ${bits.engine} on ${bits.backend}: none is there that would go on to the same bits.`;
    await appendLog(client, jobId, [{ level: 'warn', message }]);
  }
  if (fence === held.life.fence) return null;
  const { rows } = await client.query<ClaimedRow>('SELECT project_id, request, receipt, forked_from FROM job WHERE id = $1', [jobId]);
  if (rows[0] === undefined) throw new Error(`job ${jobId} vanished while its row was held`);
  const { project_id: projectId, request, receipt, forked_from: forkedFrom } = rows[0];
  const secondsUsed = (held.now - (startedAt ?? held.now)) / 1000;
  return { lease: { jobId, fence }, projectId, attempt, request, receipt, isFork: forkedFrom !== null, wish, secondsUsed };
}

async function finishSucceeded(client: PoolClient, blobs: BlobStore, job: ClaimedJob, success: JobSuccess | TrainedModel): Promise<void> {
  const { jobId } = job.lease;
  const model = 'weightsFile' in success ? success : null;
  const weightsBlobId = model && (await blobs.write(client, model.weightsFile)).id;
  await holdFence(client, job.lease);
  const version =
    model?.version && weightsBlobId ? await addVersion(client, versionOf(job, model, model.version, weightsBlobId)) : NO_VERSION;
  const result = { ...version, ...success.result };
  await client.query('UPDATE job SET receipt = $2, progress = $3, result = $4, weights_blob_id = $5 WHERE id = $1', [
    jobId,
    JSON.stringify(success.receipt),
    JSON.stringify(success.progress),
    JSON.stringify(result),
    weightsBlobId,
  ]);
  await advanceFenced(client, job.lease, { type: 'succeeded', stopReason: success.stopReason });
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
