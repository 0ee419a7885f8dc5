import type { Pool, PoolClient } from 'pg';
import { withTransaction } from '../db/transaction.ts';
import { type CheckpointLimits, removeExcessCheckpoints, removeOldCheckpoints } from '../jobs/checkpoint-expiry.ts';
import { startLoop } from '../lib/wakeable-loop.ts';

const INTERVAL_MS = 5 * 60_000;
/** Any number no other advisory lock here has. */
const ADVISORY_LOCK = 4_127_001;
/** Rows removed in one transaction; blobs bring up to gigabytes of chunks with them. */
const BATCH_ROWS = 1000;
const BATCH_BLOBS = 20;

/** What was removed. */
export interface Removed {
  readonly idempotencyKeys: number;
  readonly blobs: number;
  readonly workers: number;
  readonly checkpoints: number;
}

export interface HousekeepingDeps {
  readonly pool: Pool;
  readonly checkpointLimits: CheckpointLimits;
  readonly onError: (error: Error) => void;
}

/** Removes what nobody asks for any more, now and every few minutes. Any number of processes may run it; one at a time works. */
export function startHousekeeping(deps: HousekeepingDeps): { close(): Promise<void> } {
  let closed = false;
  const loop = startLoop(() => tidy(deps, () => closed).then(() => undefined), { intervalMs: INTERVAL_MS, onError: deps.onError });
  return {
    close: () => {
      closed = true;
      return loop.close();
    },
  };
}

/** One round, ended early when it is to close. What fails is reported, and what comes after it has its turn. */
export async function tidy(deps: HousekeepingDeps, isClosing: () => boolean): Promise<Removed> {
  const { checkpointLimits } = deps;
  const remove = (batch: number, removeBatch: RemoveBatch): Promise<number> => removeAll(deps, { batch, removeBatch, isClosing });
  const rows =
    (sql: string): RemoveBatch =>
    async (client, batch) =>
      (await client.query(sql, [batch])).rowCount ?? 0;
  const old: RemoveBatch = (client, batch) => removeOldCheckpoints(client, checkpointLimits, batch);
  const excess: RemoveBatch = (client, batch) => removeExcessCheckpoints(client, checkpointLimits, batch);
  return {
    idempotencyKeys: await remove(BATCH_ROWS, rows(OLD_IDEMPOTENCY_KEYS)),
    checkpoints: (await remove(BATCH_BLOBS, old)) + (await remove(BATCH_BLOBS, excess)),
    blobs: await remove(BATCH_BLOBS, rows(FORGOTTEN_BLOBS)),
    workers: await remove(BATCH_ROWS, rows(DEAD_WORKERS)),
  };
}

/** Removes at most `batch` things and says how many there were. */
type RemoveBatch = (client: PoolClient, batch: number) => Promise<number>;

const OLD_IDEMPOTENCY_KEYS = `
  DELETE FROM idempotency_key WHERE (project_id, route, key) IN (
    SELECT project_id, route, key FROM idempotency_key WHERE created_at < now() - interval '48 hours' LIMIT $1)`;

// Bytes are written before the row that names them; a process that dies in between leaves them behind.
const FORGOTTEN_BLOBS = `
  DELETE FROM blob WHERE id IN (
    SELECT id FROM blob WHERE created_at < now() - interval '1 hour'
       AND NOT EXISTS (SELECT FROM dataset WHERE dataset.blob_id = blob.id)
       AND NOT EXISTS (SELECT FROM job WHERE job.weights_blob_id = blob.id)
       AND NOT EXISTS (SELECT FROM model_version WHERE model_version.weights_blob_id = blob.id)
       AND NOT EXISTS (SELECT FROM checkpoint WHERE checkpoint.blob_id = blob.id)
     LIMIT $1)`;

// Workers that end in good order remove their own rows.
const DEAD_WORKERS = `
  DELETE FROM worker WHERE id IN (SELECT id FROM worker WHERE last_heartbeat_at < now() - interval '1 day' LIMIT $1)`;

interface Removal {
  readonly batch: number;
  readonly removeBatch: RemoveBatch;
  readonly isClosing: () => boolean;
}

/** Removes batch after batch until one is not full; returns how many things there were. Reports a failure instead of throwing it. */
async function removeAll({ pool, onError }: HousekeepingDeps, { batch, removeBatch, isClosing }: Removal): Promise<number> {
  let total = 0;
  try {
    while (!isClosing()) {
      const removed = await withTransaction(pool, async (client) => ((await isMine(client)) ? removeBatch(client, batch) : 0));
      total += removed;
      if (removed < batch) break;
    }
  } catch (error) {
    onError(error instanceof Error ? error : new Error(String(error)));
  }
  return total;
}

/** Whether no other process is at it. */
async function isMine(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [ADVISORY_LOCK]);
  return rows[0]?.mine === true;
}
