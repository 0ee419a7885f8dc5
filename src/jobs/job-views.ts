import type { Tx } from '../db/database.ts';
import type { EventStore } from './event-store.ts';
import { isWaiting } from './job-state.ts';
import type { JobStore, StoredJob } from './job-store.ts';
import { type JobView, jobView } from './job-view.ts';

interface ViewSources {
  readonly jobs: Pick<JobStore, 'queuePositions'>;
  readonly events: Pick<EventStore, 'timelines'>;
}

/** The job with what stands in other tables, read inside `tx` when it has not committed yet. */
export async function viewOf(sources: ViewSources, job: StoredJob, tx?: Tx): Promise<JobView> {
  const [view] = await viewsOf(sources, [job], tx);
  if (view === undefined) throw new Error(`no view of job ${job.id}`);
  return view;
}

export async function viewsOf({ jobs, events }: ViewSources, rows: readonly StoredJob[], tx?: Tx): Promise<JobView[]> {
  const timelines = await events.timelines(
    rows.map(({ id }) => id),
    tx,
  );
  const waiting = rows.filter(({ status }) => isWaiting(status)).map(({ id }) => id);
  const places = await jobs.queuePositions(waiting, tx);
  return rows.map((job) => jobView(job, { timeline: timelines.get(job.id) ?? [], queuePosition: places.get(job.id) ?? null }));
}
