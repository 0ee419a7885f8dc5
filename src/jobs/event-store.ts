import type { Database, Tx } from '../db/database.ts';
import type { Prisma } from '../db/generated/client.ts';
import type { JobStatus, StopReason } from './job-state.ts';

/** What each type of event carries; the API shows it unchanged. */
export interface JobEventData {
  readonly status: { readonly status: JobStatus; readonly attempt?: number; readonly stop_reason?: StopReason };
  /** The epoch's row, as `GET …/epochs` shows it. */
  readonly epoch: object;
  readonly checkpoint: { readonly checkpoint: string; readonly epoch: number; readonly step: number };
  readonly warning: { readonly code: string; readonly detail: string; readonly pointer?: string };
  /** A line for the owner; `GET …/logs` shows these alone. */
  readonly log: { readonly level: string; readonly message: string };
  /** The worker died, or was silent for longer than its lease. */
  readonly interrupted: { readonly attempt: number; readonly reason: string };
  /** A worker went on from the checkpoint of `epoch`. */
  readonly resumed: { readonly attempt: number; readonly epoch: number };
  /** Always the last one. */
  readonly done: { readonly status: JobStatus; readonly stop_reason: StopReason };
}

export type JobEventType = keyof JobEventData;

/** One event to append, its data fitting its type. */
export type NewJobEvent = { [Type in JobEventType]: { readonly type: Type; readonly data: JobEventData[Type] } }[JobEventType];

export interface StoredEvent {
  readonly seq: number;
  readonly type: JobEventType;
  readonly data: object;
  readonly at: Date;
}

// Counting and inserting are one statement, so that sequences have no gaps and no two events share a number.
const APPEND_EVENT = `
  WITH counted AS (UPDATE job SET last_event = last_event + 1 WHERE id = $1 RETURNING last_event)
  INSERT INTO job_event (job_id, seq, type, data) SELECT $1, last_event, $2, $3::json FROM counted`;

/** Appends an event to a job's log, in the transaction of what it tells about. */
export async function appendEvent(tx: Tx, jobId: string, { type, data }: NewJobEvent): Promise<void> {
  await tx.$executeRawUnsafe(APPEND_EVENT, jobId, type, JSON.stringify(data));
}

export type EventStore = ReturnType<typeof createEventStore>;

/** Reads of the event log. Writes go through `appendEvent`, in the transaction of what they tell about. */
export function createEventStore(database: Pick<Database, 'prisma'>) {
  const { prisma } = database;
  return {
    /** Events after `seq`, oldest first. */
    async after(jobId: string, seq: number, limit: number): Promise<StoredEvent[]> {
      const rows = await prisma.jobEvent.findMany({ where: { jobId, seq: { gt: seq } }, orderBy: { seq: 'asc' }, take: limit });
      return rows.map(storedEvent);
    },

    /** Lines of the log after `seq`, oldest first. */
    async logs(jobId: string, seq: number, limit: number): Promise<StoredEvent[]> {
      const rows = await prisma.jobEvent.findMany({
        where: { jobId, type: 'log', seq: { gt: seq } },
        orderBy: { seq: 'asc' },
        take: limit,
      });
      return rows.map(storedEvent);
    },

    /** Events a job's timeline and warnings are made of, for several jobs at once. */
    async timelines(jobIds: readonly string[], tx: Tx = prisma): Promise<Map<string, StoredEvent[]>> {
      const rows = await tx.jobEvent.findMany({
        where: { jobId: { in: [...jobIds] }, type: { in: ['status', 'interrupted', 'warning'] } },
        orderBy: [{ jobId: 'asc' }, { seq: 'asc' }],
      });
      const timelines = new Map<string, StoredEvent[]>(jobIds.map((id) => [id, []]));
      for (const row of rows) timelines.get(row.jobId)?.push(storedEvent(row));
      return timelines;
    },
  };
}

function storedEvent(row: Prisma.JobEventGetPayload<object>): StoredEvent {
  return { seq: row.seq, type: row.type as JobEventType, data: row.data as object, at: row.createdAt };
}
