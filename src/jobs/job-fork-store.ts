import type { Tx } from '../db/database.ts';
import { newId } from '../lib/ids.ts';
import type { JobFork } from './job-store.ts';

/** A checkpoint that stays until the transaction ends. */
export interface HeldCheckpoint {
  readonly id: string;
  readonly epoch: number;
  readonly step: number;
  readonly blobId: string;
  readonly engine: string | null;
  readonly backend: string | null;
}

/** Holds a checkpoint of a job, its newest when none is named; null when there is none. */
export async function holdCheckpoint(tx: Tx, jobId: string, id: string | null): Promise<HeldCheckpoint | null> {
  const rows = await tx.$queryRaw<HeldCheckpoint[]>`
    SELECT id, epoch, step, blob_id AS "blobId", engine, backend FROM checkpoint
     WHERE job_id = ${jobId} AND (${id}::text IS NULL OR id = ${id}) ORDER BY epoch DESC LIMIT 1 FOR SHARE`;
  return rows[0] ?? null;
}

/**
 * Gives a forked job what its start stands for: the checkpoint, whose bytes both jobs share, and the epochs up to it. The bytes
 * stay until the last job that has them gives them up.
 */
export async function copyStart(tx: Tx, jobId: string, { job: from }: JobFork, checkpoint: HeldCheckpoint): Promise<void> {
  const id = newId('checkpoint');
  const { epoch, step, blobId, engine, backend } = checkpoint;
  await tx.checkpoint.create({ data: { id, jobId, epoch, step, blobId, engine, backend } });
  await tx.$executeRaw`
    INSERT INTO epoch (job_id, epoch, step, metrics, learning_rate, seconds, diagnostics, fence, created_at)
    SELECT ${jobId}, epoch, step, metrics, learning_rate, seconds, diagnostics, 0, created_at FROM epoch
     WHERE job_id = ${from} AND epoch <= ${epoch}`;
  // The best epoch of the other job is this one's too, unless it came later.
  await tx.$executeRaw`
    UPDATE job SET latest_metrics = (SELECT metrics FROM epoch WHERE job_id = ${jobId} AND epoch = ${epoch}),
           best = (SELECT jsonb_set(best::jsonb, '{checkpoint}', CASE WHEN best ->> 'epoch' = ${String(epoch)} THEN to_jsonb(${id}::text) ELSE 'null' END)::json
                     FROM job AS origin WHERE origin.id = ${from} AND (best ->> 'epoch')::int <= ${epoch})
     WHERE id = ${jobId}`;
}
