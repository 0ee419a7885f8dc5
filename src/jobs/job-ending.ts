import type { PoolClient } from 'pg';
import { CHANNELS } from '../db/database.ts';
import { thinCheckpoints } from './checkpoint-keeping.ts';
import { appendEvents } from './execution-events.ts';
import type { StopReason } from './job-state.ts';

/** Why a job failed, as the API shows it. */
export interface JobFailure {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly object[];
  readonly hint: string | null;
}

export type JobEnding =
  | { readonly status: 'succeeded'; readonly stopReason: StopReason; readonly result: object; readonly weightsBlobId: string | null }
  | { readonly status: 'failed'; readonly stopReason: StopReason; readonly error: JobFailure }
  | { readonly status: 'cancelled' };

/** Writes the terminal state once, with its events, and removes what only a running job needs. The caller holds the row. */
export async function endJob(client: PoolClient, jobId: string, ending: JobEnding): Promise<void> {
  const stopReason = ending.status === 'cancelled' ? 'cancelled' : ending.stopReason;
  await client.query(
    `UPDATE job SET status = $2, stop_reason = $3, result = $4, error = $5, weights_blob_id = $6,
                    worker_id = NULL, lease_until = NULL, ended_at = now()
      WHERE id = $1`,
    [
      jobId,
      ending.status,
      stopReason,
      ending.status === 'succeeded' ? JSON.stringify(ending.result) : null,
      ending.status === 'failed' ? JSON.stringify(ending.error) : null,
      ending.status === 'succeeded' ? ending.weightsBlobId : null,
    ],
  );
  const data = { status: ending.status, stop_reason: stopReason };
  await appendEvents(client, jobId, [
    { type: 'status', data },
    { type: 'done', data },
  ]);
  // One that ended goes on or is forked from its newest or its best checkpoint; housekeeping decides for how long.
  await thinCheckpoints(client, jobId, 1);
  // A doorbell on its way to the queue is held by the relay, which removes it; waiting for it would be waiting for the queue.
  await client.query('DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE job_id = $1 FOR UPDATE SKIP LOCKED)', [jobId]);
  await client.query('SELECT pg_notify($1, $2)', [CHANNELS.jobChanged, jobId]);
}
