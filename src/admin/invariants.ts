// What must always be true of the tables, each as one statement that counts where it is not. A row here is an invariant: the
// route, its documentation and the tests follow.

import { CHUNK_BYTES } from '../blobs/blob-store.ts';
import { CONFIG_TABLE } from '../config-table.ts';

export interface Invariant {
  /** What is true in a healthy database. */
  readonly description: string;
  /** Selects one row for each breach. */
  readonly breaches: string;
}

const ENDED = `status IN ('succeeded', 'failed', 'cancelled')`;
/** What heals by itself within seconds is a breach only when it does not. */
const FOR_LONG = `interval '1 minute'`;
const LEASE_SECONDS_MAX = CONFIG_TABLE.LEASE_SECONDS.max;

/** Blobs whose chunks are not all there in their lengths. Those that nobody names yet may still be on their way. */
const damaged = (namedBy: string): string => `
  SELECT b.id FROM blob b LEFT JOIN chunk c ON c.blob_id = b.id WHERE ${namedBy} GROUP BY b.id
  HAVING count(c.n) <> ceil(b.bytes / ${CHUNK_BYTES}.0) OR coalesce(sum(octet_length(c.data)), 0) <> b.bytes
      OR coalesce(max(c.n) + 1, 0) <> count(c.n)`;

const IS_CHECKPOINT = 'EXISTS (SELECT FROM checkpoint WHERE blob_id = b.id)';
const IS_OTHERS = `(EXISTS (SELECT FROM dataset WHERE blob_id = b.id) OR EXISTS (SELECT FROM job WHERE weights_blob_id = b.id)
      OR EXISTS (SELECT FROM model_version WHERE weights_blob_id = b.id))`;

export const INVARIANTS = {
  ended_without_ending: {
    description: 'A job that has ended says why and when, and its last event is `done`.',
    breaches: `SELECT FROM job WHERE ${ENDED} AND (stop_reason IS NULL OR ended_at IS NULL OR NOT EXISTS (
      SELECT FROM job_event WHERE job_id = job.id AND seq = last_event AND type = 'done'))`,
  },
  ending_without_end: {
    description: 'A job that has not ended has no reason, time or result of an end.',
    breaches: `SELECT FROM job WHERE NOT ${ENDED} AND (stop_reason IS NOT NULL OR ended_at IS NOT NULL OR result IS NOT NULL)`,
  },
  running_without_lease: {
    description: 'A running job has a worker whose lease has not run out.',
    breaches: `SELECT FROM job WHERE status = 'running' AND (worker_id IS NULL OR lease_until IS NULL OR lease_until < now() - ${FOR_LONG})`,
  },
  lease_without_running: {
    description: 'Only a running job has a worker and a lease.',
    breaches: `SELECT FROM job WHERE status <> 'running' AND (worker_id IS NOT NULL OR lease_until IS NOT NULL)`,
  },
  lease_too_long: {
    description: 'No lease is longer than LEASE_SECONDS can be.',
    breaches: `SELECT FROM job WHERE lease_until > now() + make_interval(secs => ${LEASE_SECONDS_MAX})`,
  },
  more_jobs_than_slots: {
    description: 'No worker runs more jobs than it has slots.',
    breaches: `SELECT FROM worker JOIN job ON job.worker_id = worker.id AND job.status = 'running' GROUP BY worker.id HAVING count(*) > slots`,
  },
  waiting_while_a_worker_is_free: {
    description: 'A job does not wait for long while a worker that may take it has a free slot.',
    breaches: `SELECT FROM job
      WHERE status IN ('queued', 'interrupted') AND NOT suspect
        AND (SELECT created_at FROM job_event WHERE job_id = job.id AND type IN ('status', 'interrupted') ORDER BY seq DESC LIMIT 1)
            < now() - ${FOR_LONG}
        AND EXISTS (
          SELECT FROM worker
           WHERE last_heartbeat_at > now() - interval '15 seconds' AND started_at < now() - ${FOR_LONG}
             AND slots > (SELECT count(*) FROM job AS held WHERE held.worker_id = worker.id AND held.status = 'running')
             AND NOT EXISTS (
               SELECT FROM (SELECT engine, backend FROM checkpoint WHERE job_id = job.id ORDER BY epoch DESC LIMIT 1) AS newest
                WHERE newest.engine <> worker.engine OR newest.backend <> worker.backend))`,
  },
  doorbell_not_handed_over: {
    description: 'A doorbell does not stay in the outbox for long.',
    breaches: `SELECT FROM outbox WHERE created_at < now() - ${FOR_LONG}`,
  },
  epoch_gap: {
    description: 'The epochs of a job follow each other from 1 without a gap.',
    breaches: 'SELECT FROM epoch GROUP BY job_id HAVING count(*) <> max(epoch) OR min(epoch) <> 1',
  },
  epoch_step_not_rising: {
    description: 'Every epoch of a job has more updates behind it than the one before.',
    breaches: `SELECT FROM (SELECT step - lag(step) OVER (PARTITION BY job_id ORDER BY epoch) AS more FROM epoch) AS steps WHERE more <= 0`,
  },
  epoch_fence_falling: {
    description: 'No epoch was written by an older claim than the epoch before it.',
    breaches: `SELECT FROM (SELECT fence - lag(fence) OVER (PARTITION BY job_id ORDER BY epoch) AS more FROM epoch) AS fences WHERE more < 0`,
  },
  epoch_fence_unknown: {
    description: 'No epoch was written under a claim its job never had.',
    breaches: 'SELECT FROM epoch JOIN job ON job.id = epoch.job_id WHERE epoch.fence > job.fence',
  },
  event_gap: {
    description: 'The events of a job are numbered from 1 without a gap.',
    breaches: `SELECT FROM job LEFT JOIN job_event ON job_event.job_id = job.id GROUP BY job.id
      HAVING count(seq) <> last_event OR coalesce(max(seq), 0) <> last_event`,
  },
  checkpoint_incomplete: {
    description: 'A checkpoint has all of its bytes.',
    breaches: damaged(IS_CHECKPOINT),
  },
  checkpoint_ahead: {
    description: 'A checkpoint is of an epoch that is stored.',
    breaches: `SELECT FROM checkpoint
      WHERE NOT EXISTS (SELECT FROM epoch WHERE epoch.job_id = checkpoint.job_id AND epoch.epoch = checkpoint.epoch)`,
  },
  best_checkpoint_gone: {
    description: 'The checkpoint that `best` names exists.',
    breaches: `SELECT FROM job WHERE best ->> 'checkpoint' IS NOT NULL
      AND NOT EXISTS (SELECT FROM checkpoint WHERE checkpoint.id = best ->> 'checkpoint')`,
  },
  bytes_incomplete: {
    description: 'A dataset, the weights of a job and those of a version have all of their bytes.',
    breaches: damaged(IS_OTHERS),
  },
  success_without_weights: {
    description: 'A training that succeeded has weights.',
    breaches: `SELECT FROM job WHERE status = 'succeeded' AND kind = 'training'
      AND NOT EXISTS (SELECT FROM blob WHERE blob.id = weights_blob_id)`,
  },
  version_without_weights: {
    description: 'A version of a model has weights.',
    breaches: 'SELECT FROM model_version WHERE NOT EXISTS (SELECT FROM blob WHERE blob.id = weights_blob_id)',
  },
  dataset_without_rows: {
    description: 'A dataset that is ready has its rows.',
    breaches: `SELECT FROM dataset WHERE status = 'ready' AND NOT EXISTS (SELECT FROM blob WHERE blob.id = blob_id)`,
  },
  orphan_bytes: {
    description: 'Bytes that nothing refers to are removed.',
    breaches: `SELECT FROM blob b WHERE created_at < now() - interval '2 hours' AND NOT ${IS_CHECKPOINT} AND NOT ${IS_OTHERS}`,
  },
} as const satisfies Record<string, Invariant>;

export type InvariantName = keyof typeof INVARIANTS;
