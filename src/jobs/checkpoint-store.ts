// Checkpoints as they are read: by the API, by the worker that goes on from one, and by a job that is forked from one. What
// writes and removes them runs in the transactions of the worker: `checkpoint-keeping.ts`.

import type { Pool } from 'pg';
import { BlobError, type BlobStore } from '../blobs/blob-store.ts';
import { type Spool, spool } from '../lib/spool.ts';

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

export type CheckpointStore = ReturnType<typeof createCheckpointStore>;

const COLUMNS = `
  c.id, c.job_id AS "jobId", c.epoch, c.step, c.blob_id AS "blobId", b.bytes::float8 AS bytes, b.sha256, c.engine, c.backend, c.pinned,
  c.created_at AS "createdAt", c.epoch = (SELECT max(epoch) FROM checkpoint WHERE job_id = c.job_id) AS latest,
  coalesce(j.best ->> 'checkpoint' = c.id, false) AS best`;

const FROM = 'FROM checkpoint c JOIN blob b ON b.id = c.blob_id JOIN job j ON j.id = c.job_id';

/** Reads of the checkpoints of jobs, and their pins. */
export function createCheckpointStore({ pool, blobs }: { pool: Pool; blobs: Pick<BlobStore, 'read' | 'readAll'> }) {
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

    /** The whole state. Throws BlobError when it is not what was stored. */
    read: ({ blobId }: Pick<StoredCheckpoint, 'blobId'>): Promise<Buffer> => blobs.readAll(blobId),

    /** The same in a temporary file: a training needs no more memory for what it goes on from. */
    async spool({ blobId, sha256 }: Pick<StoredCheckpoint, 'blobId' | 'sha256'>): Promise<Spool> {
      const file = await spool(blobs.read(blobId), () => undefined);
      if (file.sha256 === sha256) return file;
      await file.close();
      throw new BlobError(blobId, 'does not have the hash it was stored with');
    },

    /** Keeps a checkpoint, or no longer. False when it is gone. */
    async setPinned(jobId: string, id: string, pinned: boolean): Promise<boolean> {
      const { rowCount } = await pool.query('UPDATE checkpoint SET pinned = $3 WHERE job_id = $1 AND id = $2', [jobId, id, pinned]);
      return rowCount === 1;
    },
  };
}
