import type { PoolClient } from 'pg';
import { removeUnpinned } from './checkpoint-keeping.ts';

/** How long, and how much of, the checkpoints of jobs that have ended are kept. */
export interface CheckpointLimits {
  readonly days: number;
  /** Of each project. */
  readonly bytesMax: number;
}

// What may go. A job that has not ended needs its own, what is pinned stays, and without the newest one a job that failed or
// was cancelled could not be taken up again. A job that succeeded has its weights: its newest one goes last, for room only.
const RANKED = `
  SELECT c.id, c.job_id, c.created_at, j.project_id, j.ended_at, b.bytes,
         CASE WHEN c.pinned OR j.status NOT IN ('succeeded', 'failed', 'cancelled') THEN 'needed'
              WHEN c.epoch < max(c.epoch) OVER (PARTITION BY c.job_id) THEN 'spare'
              WHEN j.status = 'succeeded' THEN 'last'
              ELSE 'needed' END AS worth
    FROM checkpoint c JOIN job j ON j.id = c.job_id JOIN blob b ON b.id = c.blob_id`;

const TOO_OLD = `
  SELECT id, job_id FROM (${RANKED}) AS ranked
   WHERE worth = 'spare' AND ended_at < now() - make_interval(days => $1) ORDER BY ended_at LIMIT $2`;

// The sum runs from what is needed most: what lies beyond the limit is what is needed least, and of that the oldest.
const TOO_MUCH = `
  SELECT id, job_id FROM (
    SELECT *, sum(bytes) OVER (PARTITION BY project_id ORDER BY worth = 'needed' DESC, worth = 'last' DESC, created_at DESC, id DESC) AS total
      FROM (${RANKED}) AS ranked) AS summed
   WHERE worth <> 'needed' AND total > $1 LIMIT $2`;

/** Removes checkpoints that are too old; returns how many. */
export function removeOldCheckpoints(client: PoolClient, { days }: CheckpointLimits, batch: number): Promise<number> {
  return removeFound(client, TOO_OLD, [days, batch]);
}

/** Removes checkpoints of projects that have too many bytes of them; returns how many. */
export function removeExcessCheckpoints(client: PoolClient, { bytesMax }: CheckpointLimits, batch: number): Promise<number> {
  return removeFound(client, TOO_MUCH, [bytesMax, batch]);
}

async function removeFound(client: PoolClient, found: string, parameters: readonly number[]): Promise<number> {
  // A job that somebody holds may be on its way out of its end: not this time.
  const { rows } = await client.query<{ id: string }>(
    `SELECT found.id FROM (${found}) AS found JOIN job ON job.id = found.job_id
      WHERE job.status IN ('succeeded', 'failed', 'cancelled') FOR UPDATE OF job SKIP LOCKED`,
    [...parameters],
  );
  return removeUnpinned(
    client,
    rows.map(({ id }) => id),
  );
}
