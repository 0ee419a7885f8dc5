// Takes jobs away from workers that are gone. Together with the claim this is the only way a job starts again: a crash, a
// deploy and a lost queue all come through here.

import type { Pool, PoolClient } from 'pg';
import { CHANNELS } from '../db/database.ts';
import { withTransaction } from '../db/transaction.ts';
import { type EngineIdentity, holdJobsWaitingFor } from './checkpoint-match.ts';
import { advance } from './job-life-rows.ts';
import { WAITING_STATUSES } from './job-state.ts';
import type { LifeEvent } from './lifecycle/job-life.ts';

export interface LeaseRecovery {
  /** Interrupts running jobs whose lease ran out. Returns how many. */
  interruptExpired(): Promise<number>;
  /** Interrupts the running jobs of workers known to be dead, without waiting for their leases. */
  interruptWorkers(workerIds: readonly string[]): Promise<number>;
  /** Queues jobs that waited for a worker like this one. Returns how many. */
  queueFor(worker: EngineIdentity): Promise<number>;
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
    interruptExpired: () =>
      loseAll(pool, 'lease_until < now()', { lock: 'FOR UPDATE SKIP LOCKED', event: () => ({ type: 'lease_expired' }) }),
    // The transaction a worker died in may hold its job's row for some milliseconds more: it is waited for, not skipped.
    interruptWorkers: (workerIds) =>
      loseAll(pool, 'worker_id = ANY($1)', {
        lock: 'FOR UPDATE',
        event: ({ worker_id }) => ({ type: 'worker_lost', workerId: worker_id }),
        parameters: [workerIds],
      }),
    queueFor: (worker) =>
      withTransaction(pool, async (client) => {
        const waiting = await holdJobsWaitingFor(client, worker);
        for (const { id } of waiting) await advance(client, id, { type: 'worker_appeared' });
        return waiting.length;
      }),
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

const WAITING_WITHOUT_DOORBELL = `status IN (${WAITING_STATUSES.map((status) => `'${status}'`).join(', ')}) AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.job_id = job.id)`;

/** What has become of running jobs, and what to do about rows that others hold. */
interface Loss {
  readonly lock: string;
  readonly event: (job: LostJob) => LifeEvent;
  readonly parameters?: readonly unknown[];
}

interface LostJob {
  id: string;
  worker_id: string;
}

async function loseAll(pool: Pool, condition: string, loss: Loss): Promise<number> {
  let total = 0;
  for (;;) {
    const batch = await withTransaction(pool, (client) => loseBatch(client, condition, loss));
    total += batch;
    if (batch < BATCH_ROWS) return total;
  }
}

async function loseBatch(client: PoolClient, condition: string, { lock, event, parameters = [] }: Loss): Promise<number> {
  const { rows } = await client.query<LostJob>(
    `SELECT id, worker_id FROM job WHERE status = 'running' AND ${condition} ORDER BY id LIMIT ${BATCH_ROWS} ${lock}`,
    [...parameters],
  );
  for (const job of rows) await advance(client, job.id, event(job));
  return rows.length;
}
