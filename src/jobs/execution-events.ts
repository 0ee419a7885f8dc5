import type { ClientBase } from 'pg';
import type { NewJobEvent } from './event-store.ts';

/**
 * Appends events to the job's log under the next sequence numbers, in one statement. The caller's transaction holds the
 * job's row, so that numbers have no gap and no two writers get the same one.
 */
export async function appendEvents(client: ClientBase, jobId: string, events: readonly NewJobEvent[]): Promise<void> {
  if (events.length === 0) return;
  await client.query(
    `WITH numbered AS (UPDATE job SET last_event = last_event + $2 WHERE id = $1 RETURNING last_event - $2 AS before)
     INSERT INTO job_event (job_id, seq, type, data)
     SELECT $1, before + n, type, data FROM numbered, unnest($3::text[], $4::json[]) WITH ORDINALITY AS e(type, data, n)`,
    [jobId, events.length, events.map((event) => event.type), events.map((event) => JSON.stringify(event.data))],
  );
}
