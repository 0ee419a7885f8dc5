// Takes jobs away from workers that are gone. Together with the claim this is the only way a job starts again: a crash, a
// deploy and a lost queue all come through here.

import type { Pool, PoolClient } from 'pg';
import { CHANNELS } from '../db/database.ts';
import { withTransaction } from '../db/transaction.ts';
import { removeCheckpoints } from './checkpoint-store.ts';
import { appendEvents } from './execution-events.ts';

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
    interruptExpired: () => interruptWhere(pool, 'lease_until < now()', []),
    interruptWorkers: (workerIds) => interruptWhere(pool, 'worker_id = ANY($1)', [workerIds]),
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

async function interruptWhere(pool: Pool, condition: string, parameters: readonly unknown[]): Promise<number> {
  let total = 0;
  for (;;) {
    const batch = await withTransaction(pool, (client) => interruptBatch(client, condition, parameters));
    total += batch;
    if (batch < BATCH_ROWS) return total;
  }
}

interface LostJob {
  id: string;
  attempt: number;
  cancel_requested: boolean;
}

async function interruptBatch(client: PoolClient, condition: string, parameters: readonly unknown[]): Promise<number> {
  // Several processes sweep: each takes the rows no other one holds.
  const { rows } = await client.query<LostJob>(
    `SELECT id, attempt, cancel_requested FROM job WHERE status = 'running' AND ${condition}
     ORDER BY id LIMIT ${BATCH_ROWS} FOR UPDATE SKIP LOCKED`,
    [...parameters],
  );
  for (const job of rows) await (job.cancel_requested ? cancelLost(client, job) : interrupt(client, job));
  return rows.length;
}

async function interrupt(client: PoolClient, job: LostJob): Promise<void> {
  await client.query(`UPDATE job SET status = 'interrupted', worker_id = NULL, lease_until = NULL WHERE id = $1`, [job.id]);
  await appendEvents(client, job.id, [{ type: 'interrupted', data: { attempt: job.attempt, reason: 'worker_lost' } }]);
  await ring(client, job.id, job.attempt + 1);
}

/** Nobody is left to heed the request, and nothing is left to stop. */
async function cancelLost(client: PoolClient, job: LostJob): Promise<void> {
  await client.query(
    `UPDATE job SET status = 'cancelled', stop_reason = 'cancelled', worker_id = NULL, lease_until = NULL, ended_at = now() WHERE id = $1`,
    [job.id],
  );
  const data = { status: 'cancelled', stop_reason: 'cancelled' } as const;
  await appendEvents(client, job.id, [
    { type: 'status', data },
    { type: 'done', data },
  ]);
  await removeCheckpoints(client, job.id);
  await client.query('SELECT pg_notify($1, $2)', [CHANNELS.jobChanged, job.id]);
}

/** Leaves a doorbell for the next attempt in the outbox and tells whoever waits for either. */
export async function ring(client: PoolClient, jobId: string, attempt: number): Promise<void> {
  await client.query('INSERT INTO outbox (job_id, attempt) VALUES ($1, $2)', [jobId, attempt]);
  await client.query(`SELECT pg_notify($1, ''), pg_notify($2, $3)`, [CHANNELS.outbox, CHANNELS.jobChanged, jobId]);
}
