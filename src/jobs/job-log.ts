import type { ClientBase, Pool } from 'pg';
import { appendEvents } from './execution-events.ts';
import { type JobLease, withFence } from './job-fence.ts';

export type LogLevel = 'info' | 'warn' | 'error';

/** A line of a job's log, for its owner: no stacks, and nothing of the machine. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
}

/** What a job that starts again and again for years can leave behind. */
export const LOG_LINES_MAX = 1000;

const LAST_LINE: LogLine = { level: 'warn', message: `A job keeps ${LOG_LINES_MAX} lines: what follows is left out.` };

/** Appends lines to the log of a job whose row the transaction holds. They are events, and kept with them. */
export async function appendLog(client: ClientBase, jobId: string, lines: readonly LogLine[]): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM job_event WHERE job_id = $1 AND type = 'log'`,
    [jobId],
  );
  const room = LOG_LINES_MAX - (rows[0]?.count ?? 0);
  const kept = lines.length < room ? lines : [...lines.slice(0, Math.max(0, room - 1)), ...(room > 0 ? [LAST_LINE] : [])];
  await appendEvents(
    client,
    jobId,
    kept.map((line) => ({ type: 'log', data: line })),
  );
}

/** Appends lines for the worker that holds the job. Throws LeaseLostError. */
export function writeLog(pool: Pool, lease: JobLease, lines: readonly LogLine[]): Promise<void> {
  return withFence(pool, lease, (client) => appendLog(client, lease.jobId, lines));
}
