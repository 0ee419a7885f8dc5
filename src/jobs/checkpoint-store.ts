import type { PoolClient } from 'pg';
import { newId } from '../lib/ids.ts';

/** The engine state a job goes on from. */
export interface StoredCheckpoint {
  readonly id: string;
  readonly epoch: number;
  readonly step: number;
  readonly blobId: string;
}

/**
 * Names a blob the engine's state after an epoch. The same commit may come twice, for its first answer can get lost on the
 * way: then the state already kept stays, this blob is removed, and the answer is null.
 */
export async function insertCheckpoint(
  client: PoolClient,
  checkpoint: { jobId: string; epoch: number; step: number; blobId: string },
): Promise<string | null> {
  const { jobId, epoch, step, blobId } = checkpoint;
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO checkpoint (id, job_id, epoch, step, blob_id) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (job_id, epoch) DO NOTHING RETURNING id`,
    [newId('checkpoint'), jobId, epoch, step, blobId],
  );
  const id = rows[0]?.id ?? null;
  if (id === null) await client.query('DELETE FROM blob WHERE id = $1', [blobId]);
  return id;
}

/** The newest state of a job, or null before its first checkpoint. */
export async function findNewestCheckpoint(client: PoolClient, jobId: string): Promise<StoredCheckpoint | null> {
  const { rows } = await client.query<StoredCheckpoint>(
    `SELECT id, epoch, step, blob_id AS "blobId" FROM checkpoint WHERE job_id = $1 ORDER BY epoch DESC LIMIT 1`,
    [jobId],
  );
  return rows[0] ?? null;
}

/** The checkpoint kept for an epoch, if there is one. */
export async function findCheckpointId(client: PoolClient, jobId: string, epoch: number): Promise<string | null> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM checkpoint WHERE job_id = $1 AND epoch = $2', [jobId, epoch]);
  return rows[0]?.id ?? null;
}

/** Removes the job's checkpoints except those of the epochs named, bytes included. */
export async function removeCheckpoints(client: PoolClient, jobId: string, keepEpochs: readonly number[] = []): Promise<void> {
  await client.query(
    `WITH removed AS (DELETE FROM checkpoint WHERE job_id = $1 AND epoch <> ALL($2::int[]) RETURNING blob_id)
     DELETE FROM blob USING removed WHERE blob.id = removed.blob_id`,
    [jobId, keepEpochs],
  );
}
