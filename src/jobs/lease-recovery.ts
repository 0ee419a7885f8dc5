// Takes jobs away from workers that are gone. Together with the claim this is the only way a job starts again: a crash, a
// deploy and a lost queue all come through here.

import type { Pool, PoolClient } from 'pg';
import { CHANNELS } from '../db/database.ts';
import { withTransaction } from '../db/transaction.ts';
import { appendEvents } from './execution-events.ts';
import { endJob } from './job-ending.ts';

export interface LeaseRecovery {
  /** Interrupts running jobs whose lease ran out. Returns how many. */
  interruptExpired(): Promise<number>;
  /** Interrupts the running jobs of workers known to be dead, without waiting for their leases. */
  interruptWorkers(workerIds: readonly string[]): Promise<number>;
  /** How many jobs wait for a worker and have no doorbell in the outbox: the queue must hold a message for each. */
  countRung(): Promise<number>;
  /** Puts a doorbell into the outbox for waiting jobs that have none there, oldest first. */
  ringAgain(limit: number): Promise<number>;
}

/** Rows handled in one transaction. */
const BATCH_ROWS = 100;

export function createLeaseRecovery(pool: Pool): LeaseRecovery {
  return {
    // Several processes sweep: each takes the rows no other one holds.
    interruptExpired: () => interruptWhere(pool, { condition: 'lease_until < now()', lock: 'FOR UPDATE SKIP LOCKED' }),
    // The transaction a worker died in may hold its job's row for some milliseconds more: it is waited for, not skipped.
    interruptWorkers: (workerIds) =>
      interruptWhere(pool, { condition: 'worker_id = ANY($1)', lock: 'FOR UPDATE', parameters: [workerIds] }),
    countRung: async () => {
      const { rows } = await pool.query<{ count: number }>(`SELECT count(*)::int AS count FROM job WHERE ${WAITING_WITHOUT_DOORBELL}`);
      return rows[0]?.count ?? 0;
    },
    ringAgain: async (limit) => {
      const { rowCount } = await pool.query(
        `WITH rung AS (
           INSERT INTO outbox (job_id, attempt) SELECT id, attempt + 1 FROM job WHERE ${WAITING_WITHOUT_DOORBELL}
           ORDER BY created_at LIMIT $1 RETURNING id)
         SELECT pg_notify($2, '') FROM rung`,
        [limit, CHANNELS.outbox],
      );
      return rowCount ?? 0;
    },
  };
}

const WAITING_WITHOUT_DOORBELL = `status IN ('queued', 'interrupted') AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job_id = job.id)`;

/** Which running jobs are lost, and what to do about rows that others hold. */
interface LostJobs {
  readonly condition: string;
  readonly lock: string;
  readonly parameters?: readonly unknown[];
}

async function interruptWhere(pool: Pool, lost: LostJobs): Promise<number> {
  let total = 0;
  for (;;) {
    const batch = await withTransaction(pool, (client) => interruptBatch(client, lost));
    total += batch;
    if (batch < BATCH_ROWS) return total;
  }
}

interface LostJob {
  id: string;
  attempt: number;
  cancel_requested: boolean;
}

async function interruptBatch(client: PoolClient, { condition, lock, parameters = [] }: LostJobs): Promise<number> {
  const { rows } = await client.query<LostJob>(
    `SELECT id, attempt, cancel_requested FROM job WHERE status = 'running' AND ${condition} ORDER BY id LIMIT ${BATCH_ROWS} ${lock}`,
    [...parameters],
  );
  for (const job of rows) {
    // Nobody is left to heed the request, and nothing is left to stop.
    await (job.cancel_requested ? endJob(client, job.id, { status: 'cancelled' }) : interrupt(client, job));
  }
  return rows.length;
}

async function interrupt(client: PoolClient, job: LostJob): Promise<void> {
  await client.query(`UPDATE job SET status = 'interrupted', worker_id = NULL, lease_until = NULL WHERE id = $1`, [job.id]);
  await appendEvents(client, job.id, [{ type: 'interrupted', data: { attempt: job.attempt, reason: 'worker_lost' } }]);
  await ring(client, job.id, job.attempt + 1);
}

/** Leaves a doorbell for the next attempt in the outbox and tells whoever waits for either. */
export async function ring(client: PoolClient, jobId: string, attempt: number): Promise<void> {
  await client.query('INSERT INTO outbox (job_id, attempt) VALUES ($1, $2)', [jobId, attempt]);
  await client.query(`SELECT pg_notify($1, ''), pg_notify($2, $3)`, [CHANNELS.outbox, CHANNELS.jobChanged, jobId]);
}
