import type { Pool, PoolClient } from 'pg';
import { withTransaction } from '../db/transaction.ts';
import { advance } from './job-life-rows.ts';
import type { WorkerEvent } from './lifecycle/job-life.ts';

/** A worker's right to write for a job: the fence of its claim. A later claim raises the job's fence, which ends this one. */
export interface JobLease {
  readonly jobId: string;
  readonly fence: number;
}

/** Another worker may have the job by now: stop, and write nothing more. */
export class LeaseLostError extends Error {
  constructor(lease: JobLease) {
    super(`the lease of job ${lease.jobId} with fence ${lease.fence} is lost`);
    this.name = 'LeaseLostError';
  }
}

/** Runs the writes of a worker in one transaction that holds the job's row, or throws LeaseLostError before any of them. */
export function withFence<T>(pool: Pool, lease: JobLease, work: (client: PoolClient) => Promise<T>): Promise<T> {
  return withTransaction(pool, async (client) => {
    await holdFence(client, lease);
    return work(client);
  });
}

/**
 * Holds the job's row until the transaction ends, or throws LeaseLostError. Meanwhile nobody can renew the lease or cancel
 * the job, so whatever takes long (the bytes of a checkpoint) is written before.
 */
export async function holdFence(client: PoolClient, lease: JobLease): Promise<void> {
  const { rowCount } = await client.query(`SELECT 1 FROM job WHERE id = $1 AND fence = $2 AND status = 'running' FOR UPDATE`, [
    lease.jobId,
    lease.fence,
  ]);
  if (rowCount !== 1) throw new LeaseLostError(lease);
}

/** What a worker says of its job, without the fence that it says it under. */
export type FencedEvent = WorkerEvent extends infer Event ? (Event extends WorkerEvent ? Omit<Event, 'fence'> : never) : never;

/** Moves a job as the worker that holds its lease says, or throws LeaseLostError and moves nothing. */
export async function advanceFenced(client: PoolClient, { jobId, fence }: JobLease, event: FencedEvent): Promise<void> {
  const next = await advance(client, jobId, { ...event, fence });
  if (next === null || next.refusal !== null) throw new LeaseLostError({ jobId, fence });
}
