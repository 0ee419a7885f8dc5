// Checkpoints as they are read: by the API, by the worker that goes on from one, and by a job that is forked from one. What
// writes and removes them runs in the transactions of the worker: `checkpoint-keeping.ts`.

import type { Pool } from 'pg';
import type { BlobStore } from '../blobs/blob-store.ts';
import { type Queryable, withTransaction } from '../db/transaction.ts';
import type { Spool } from '../lib/spool.ts';
import type { WeightsFile } from '../models/weights-file.ts';
import { openCheckpointWeights } from './checkpoint-weights.ts';

/** The whole engine state after an epoch. */
export interface StoredCheckpoint {
  readonly id: string;
  readonly jobId: string;
  readonly epoch: number;
  readonly step: number;
  readonly blobId: string;
  readonly bytes: number;
  /** Of the state's bytes, hexadecimal. */
  readonly sha256: string;
  /** Version of the engine's numbers and variant of the kernels; null where they were not kept. */
  readonly engine: string | null;
  readonly backend: string | null;
  readonly pinned: boolean;
  /** The newest of its job. */
  readonly latest: boolean;
  /** Taken after the job's best epoch. */
  readonly best: boolean;
  readonly createdAt: Date;
}

export interface PinRequest {
  readonly project: string;
  readonly jobId: string;
  readonly id: string;
  readonly bytesMax: number;
}

/** Bytes; those a fork shares count once for each. */
export interface CheckpointUsage {
  readonly bytes: number;
  readonly pinnedBytes: number;
}

export type CheckpointStore = ReturnType<typeof createCheckpointStore>;

const COLUMNS = `
  c.id, c.job_id AS "jobId", c.epoch, c.step, c.blob_id AS "blobId", b.bytes::float8 AS bytes, b.sha256, c.engine, c.backend, c.pinned,
  c.created_at AS "createdAt", c.epoch = (SELECT max(epoch) FROM checkpoint WHERE job_id = c.job_id) AS latest,
  coalesce(j.best ->> 'checkpoint' = c.id, false) AS best`;

const FROM = 'FROM checkpoint c JOIN blob b ON b.id = c.blob_id JOIN job j ON j.id = c.job_id';

/** Reads of the checkpoints of jobs, and their pins. */
export function createCheckpointStore({ pool, blobs }: { pool: Pool; blobs: Pick<BlobStore, 'spool'> }) {
  return {
    /** Newest first; `before` is the epoch of the last one seen. */
    async list(jobId: string, take: number, before: number | null = null): Promise<StoredCheckpoint[]> {
      const { rows } = await pool.query<StoredCheckpoint>(
        `SELECT ${COLUMNS} ${FROM} WHERE c.job_id = $1 AND ($2::int IS NULL OR c.epoch < $2) ORDER BY c.epoch DESC LIMIT $3`,
        [jobId, before, take],
      );
      return rows;
    },

    async find(jobId: string, id: string): Promise<StoredCheckpoint | null> {
      const { rows } = await pool.query<StoredCheckpoint>(`SELECT ${COLUMNS} ${FROM} WHERE c.job_id = $1 AND c.id = $2`, [jobId, id]);
      return rows[0] ?? null;
    },

    /** The weights in the state. Throws BlobError when it is not what was stored. */
    weights: (checkpoint: StoredCheckpoint): Promise<WeightsFile> => openCheckpointWeights(blobs, checkpoint),

    /** The state in a temporary file: a training needs no more memory for what it goes on from. Throws BlobError as well. */
    spool: ({ blobId, sha256 }: Pick<StoredCheckpoint, 'blobId' | 'sha256'>, signal?: AbortSignal): Promise<Spool> =>
      blobs.spool(blobId, sha256, signal),

    /** Keeps a checkpoint, unless the project's pinned ones would take more than `bytesMax`. One that is pinned stays so. */
    pin({ project, jobId, id, bytesMax }: PinRequest): Promise<'pinned' | 'gone' | 'too_much'> {
      return withTransaction(pool, async (client) => {
        // One pin at a time for a project, so that two cannot both find room for one.
        await client.query('SELECT FROM project WHERE id = $1 FOR NO KEY UPDATE', [project]);
        const { rows } = await client.query<{ pinned: boolean; bytes: number }>(
          'SELECT pinned, bytes::float8 FROM checkpoint JOIN blob ON blob.id = blob_id WHERE job_id = $1 AND checkpoint.id = $2',
          [jobId, id],
        );
        const [row] = rows;
        if (row === undefined) return 'gone';
        if (row.pinned) return 'pinned';
        if ((await usageOf(client, project)).pinnedBytes + row.bytes > bytesMax) return 'too_much';
        const { rowCount } = await client.query('UPDATE checkpoint SET pinned = true WHERE id = $1', [id]);
        return rowCount === 1 ? 'pinned' : 'gone';
      });
    },

    /** Keeps a checkpoint no longer. False when it is gone. */
    async unpin(jobId: string, id: string): Promise<boolean> {
      const { rowCount } = await pool.query('UPDATE checkpoint SET pinned = false WHERE job_id = $1 AND id = $2', [jobId, id]);
      return rowCount === 1;
    },

    /** What the checkpoints of a project take. */
    usage: (project: string): Promise<CheckpointUsage> => usageOf(pool, project),
  };
}

async function usageOf(client: Queryable, project: string): Promise<CheckpointUsage> {
  const { rows } = await client.query<CheckpointUsage>(
    `SELECT coalesce(sum(b.bytes), 0)::float8 AS bytes, coalesce(sum(b.bytes) FILTER (WHERE c.pinned), 0)::float8 AS "pinnedBytes" ${FROM}
      WHERE j.project_id = $1`,
    [project],
  );
  return rows[0] ?? { bytes: 0, pinnedBytes: 0 };
}
