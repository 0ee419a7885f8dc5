import type { Pool } from 'pg';
import { CHANNELS } from '../db/database.ts';
import type { Listener } from '../db/listener.ts';
import { withTransaction } from '../db/transaction.ts';
import { startLoop } from '../lib/wakeable-loop.ts';
import type { TrainQueue } from './train-queue.ts';

const INTERVAL_MS = 1000;
const BATCH_ROWS = 500;

export interface RelayDeps {
  readonly pool: Pool;
  readonly queue: TrainQueue;
  readonly listener: Listener;
  readonly onError: (error: Error) => void;
}

/**
 * Hands doorbells of the outbox to the queue: at once when one is announced, and every second in case it was not. Any
 * number of processes may run it; each takes the rows no other one holds. A row is deleted only after the queue has the
 * message, so a crash between the two rings twice, which is harmless.
 */
export function startRelay(deps: RelayDeps): { close(): Promise<void> } {
  const loop = startLoop(() => relayAll(deps.pool, deps.queue), { intervalMs: INTERVAL_MS, onError: deps.onError });
  const unlisten = deps.listener.on(CHANNELS.outbox, () => loop.wake());
  return {
    close: async () => {
      unlisten();
      await loop.close();
    },
  };
}

async function relayAll(pool: Pool, queue: TrainQueue): Promise<void> {
  while ((await relayBatch(pool, queue)) === BATCH_ROWS);
}

function relayBatch(pool: Pool, queue: TrainQueue): Promise<number> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string; jobId: string; attempt: number }>(
      `SELECT id::text, job_id AS "jobId", attempt FROM outbox ORDER BY id LIMIT ${BATCH_ROWS} FOR UPDATE SKIP LOCKED`,
    );
    if (rows.length === 0) return 0;
    await queue.ring(rows);
    await client.query('DELETE FROM outbox WHERE id = ANY($1::bigint[])', [rows.map((row) => row.id)]);
    return rows.length;
  });
}
