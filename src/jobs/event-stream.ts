import type { EventStore, StoredEvent } from './event-store.ts';
import { type Notifications, watchJob } from './event-watch.ts';
import { isTerminal } from './job-state.ts';
import type { JobProgress, JobStore, StoredJob } from './job-store.ts';

interface EventSources {
  readonly jobs: Pick<JobStore, 'find'>;
  readonly events: Pick<EventStore, 'after'>;
  readonly notifications: Notifications;
}

/** What the event stream sends. Only rows of the event log have an `id`. */
export interface StreamedEvent {
  readonly id?: number;
  readonly event: string;
  readonly data: object;
}

const EVENT_BATCH = 500;
const PROGRESS_INTERVAL_MS = 500;
/** Notifications can be lost with a connection; the tables are read at least this often. */
const REREAD_INTERVAL_MS = 5000;

/** Events after `after` as they come, and progress between them, until the job is done or the reader gone. */
export async function* followJob(
  { jobs, events, notifications }: EventSources,
  { project, id, after, signal }: { project: string; id: string; after: number; signal: AbortSignal },
): AsyncGenerator<StreamedEvent> {
  const watch = watchJob(notifications, id);
  let seen = after;
  const throttle = progressThrottle();
  try {
    while (!signal.aborted) {
      // The row is read before the events: when it says that the job has ended, these are all there will ever be.
      const job = await jobs.find(project, id);
      if (job === null) return;
      const batch = await events.after(id, seen, EVENT_BATCH);
      for (const event of batch) yield { id: event.seq, event: event.type, data: event.data };
      seen = batch.at(-1)?.seq ?? seen;
      if (batch.length === EVENT_BATCH) continue;
      if (isOver(job, batch)) return;
      const progress = throttle.pass(job.progress);
      if (progress !== null) yield { event: 'progress', data: progress };
      await watch.next(throttle.isHolding() ? PROGRESS_INTERVAL_MS : REREAD_INTERVAL_MS, signal);
    }
  } finally {
    watch.close();
  }
}

/** The job may have ended after its row was read, too: nothing comes after `done`. */
function isOver(job: StoredJob, batch: readonly StoredEvent[]): boolean {
  return isTerminal(job.status) || batch.at(-1)?.type === 'done';
}

/** Lets a changed progress through at most every `PROGRESS_INTERVAL_MS`, and tells whether one was held back. */
function progressThrottle() {
  let last = { text: '', at: Number.NEGATIVE_INFINITY };
  let isHolding = false;
  return {
    isHolding: () => isHolding,
    pass(progress: JobProgress): JobProgress | null {
      const text = JSON.stringify(progress);
      const isNew = text !== last.text;
      isHolding = isNew && performance.now() - last.at < PROGRESS_INTERVAL_MS;
      if (!isNew || isHolding) return null;
      last = { text, at: performance.now() };
      return progress;
    },
  };
}

/** Reads a job until its status or epoch differs from what it was at first, it has ended, or `seconds` have passed. */
export async function waitForChange(
  { notifications }: Pick<EventSources, 'notifications'>,
  { read, id, seconds, signal }: { read: () => Promise<StoredJob>; id: string; seconds: number; signal: AbortSignal },
): Promise<StoredJob> {
  const deadline = performance.now() + seconds * 1000;
  const watch = watchJob(notifications, id);
  try {
    const first = await read();
    let job = first;
    while (isSameMoment(first, job) && !isTerminal(job.status) && performance.now() < deadline && !signal.aborted) {
      await watch.next(Math.min(REREAD_INTERVAL_MS, deadline - performance.now()), signal);
      job = await read();
    }
    return job;
  } finally {
    watch.close();
  }
}

function isSameMoment(a: StoredJob, b: StoredJob): boolean {
  return a.status === b.status && a.progress.epoch === b.progress.epoch;
}
