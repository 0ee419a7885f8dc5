// Which checkpoints there are: written after epochs, thinned by the job's policy, shared by forks. Everything here runs in the
// transaction of what it belongs to.

import type { PoolClient } from 'pg';
import { newId } from '../lib/ids.ts';
import type { EngineIdentity } from './checkpoint-match.ts';

export interface NewCheckpoint extends EngineIdentity {
  readonly jobId: string;
  readonly epoch: number;
  readonly step: number;
  readonly blobId: string;
}

/**
 * Names a blob the engine's state after an epoch. The same commit may come twice, for its first answer can get lost on the
 * way: then the state already kept stays, this blob is removed, and the answer is null.
 */
export async function insertCheckpoint(client: PoolClient, checkpoint: NewCheckpoint): Promise<string | null> {
  const { jobId, epoch, step, blobId, engine, backend } = checkpoint;
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO checkpoint (id, job_id, epoch, step, blob_id, engine, backend) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (job_id, epoch) DO NOTHING RETURNING id`,
    [newId('checkpoint'), jobId, epoch, step, blobId, engine, backend],
  );
  const id = rows[0]?.id ?? null;
  if (id === null) await client.query('DELETE FROM blob WHERE id = $1', [blobId]);
  return id;
}

/** The checkpoint kept for an epoch, if there is one. */
export async function findCheckpointId(client: PoolClient, jobId: string, epoch: number): Promise<string | null> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM checkpoint WHERE job_id = $1 AND epoch = $2', [jobId, epoch]);
  return rows[0]?.id ?? null;
}

/** Leaves the newest `keep` checkpoints of a job, that of its best epoch, and those that are pinned. */
export async function thinCheckpoints(client: PoolClient, jobId: string, keep: number): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM checkpoint WHERE job_id = $1 AND NOT pinned
        AND epoch IS DISTINCT FROM (SELECT (best ->> 'epoch')::int FROM job WHERE id = $1)
        AND epoch NOT IN (SELECT epoch FROM checkpoint WHERE job_id = $1 ORDER BY epoch DESC LIMIT $2)`,
    [jobId, keep],
  );
  await removeUnpinned(
    client,
    rows.map(({ id }) => id),
  );
}

/** Removes checkpoints, pinned ones too, with their bytes unless a fork shares them. Returns how many there were. */
export function removeCheckpoints(client: PoolClient, ids: readonly string[]): Promise<number> {
  return removeWhere(client, 'id = ANY($1)', ids);
}

/**
 * Makes room: removes those of the checkpoints that are not pinned, and returns how many these were. Whoever chose them saw no
 * pin, but there may be one by now. The deletion waits for one that is being made, and then looks at the row again.
 */
export function removeUnpinned(client: PoolClient, ids: readonly string[]): Promise<number> {
  return removeWhere(client, 'id = ANY($1) AND NOT pinned', ids);
}

async function removeWhere(client: PoolClient, condition: string, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  const { rows } = await client.query<{ id: string; jobId: string; blobId: string }>(
    `DELETE FROM checkpoint WHERE ${condition} RETURNING id, job_id AS "jobId", blob_id AS "blobId"`,
    [ids],
  );
  await client.query(
    `UPDATE job SET best = regexp_replace(best::text, '"checkpoint" *: *"[^"]*"', '"checkpoint":null')::json
      WHERE id = ANY($1) AND best ->> 'checkpoint' = ANY($2)`,
    [rows.map(({ jobId }) => jobId), rows.map(({ id }) => id)],
  );
  // A statement of its own: it sees the row of a fork that was written while the first one waited for it.
  await client.query('DELETE FROM blob WHERE id = ANY($1) AND NOT EXISTS (SELECT FROM checkpoint WHERE blob_id = blob.id)', [
    rows.map(({ blobId }) => blobId),
  ]);
  return rows.length;
}
