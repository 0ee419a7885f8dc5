import type { StoredEvent } from './event-store.ts';
import type { StoredEpoch, StoredJob } from './job-store.ts';

/** What can be asked of a job, as the last part of the path that asks it. */
const JOB_VERBS = ['cancel', 'stop', 'pause', 'resume', 'retry', 'fork'] as const;

export type JobView = ReturnType<typeof jobView>;

/** The job as the API shows it. Absent values are null, never left out. */
export function jobView(job: StoredJob, { timeline, queuePosition }: { timeline: readonly StoredEvent[]; queuePosition: number | null }) {
  const self = `/v1/jobs/${job.id}`;
  return {
    id: job.id,
    object: 'job',
    kind: job.kind,
    status: job.status,
    stop_reason: job.stopReason,
    attempt: job.attempt,
    queue_position: queuePosition,
    wish: job.wish,
    retries: job.retries,
    forked_from: job.forkedFrom,
    request: job.request,
    progress: job.progress,
    latest_metrics: job.latestMetrics,
    best: job.best,
    timeline: timeline.filter(({ type }) => type !== 'warning').map(timelineEntry),
    warnings: timeline.filter(({ type }) => type === 'warning').map(({ data, at }) => ({ ...data, at: at.toISOString() })),
    result: job.result,
    error: job.error,
    receipt: job.receipt,
    created_at: job.createdAt.toISOString(),
    links: {
      self,
      events: `${self}/events`,
      logs: `${self}/logs`,
      epochs: `${self}/epochs`,
      ...Object.fromEntries(JOB_VERBS.map((verb) => [verb, `${self}/${verb}`])),
      checkpoints: `${self}/checkpoints`,
      weights: `${self}/weights`,
      predictions: `${self}/predictions`,
      diagnostics: `${self}/diagnostics`,
      dataset: datasetLink(job.request),
    },
  };
}

/** An event as the list shows it; the stream sends the same `id`, `event` and `data`. */
export function eventView(event: StoredEvent) {
  return { id: event.seq, event: event.type, data: event.data, at: event.at.toISOString() };
}

export function epochView(row: StoredEpoch) {
  return { epoch: row.epoch, step: row.step, metrics: row.metrics, learning_rate: row.learningRate, seconds: row.seconds };
}

function timelineEntry(event: StoredEvent): object {
  const at = event.at.toISOString();
  return event.type === 'interrupted' ? { status: 'interrupted', ...event.data, at } : { ...event.data, at };
}

function datasetLink(request: object): string | null {
  return 'dataset' in request && typeof request.dataset === 'string' ? `/v1/datasets/${request.dataset}` : null;
}
