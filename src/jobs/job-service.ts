import type { BlobStore } from '../blobs/blob-store.ts';
import type { Tx } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { openWeights, type WeightsFile } from '../models/weights-file.ts';
import type { TrainingCheckService } from '../training/training-check-service.ts';
import type { TrainingRequest } from '../training/training-request.ts';
import type { EventStore, StoredEvent } from './event-store.ts';
import { followJob, waitForChange } from './event-stream.ts';
import type { Notifications } from './event-watch.ts';
import { existingJob, noJob } from './existing-job.ts';
import { createJobForks } from './job-fork-service.ts';
import { insertTraining } from './job-posting.ts';
import { type JobPredictionsDeps, predictRows, type RowPrediction } from './job-predictions.ts';
import { isTerminal } from './job-state.ts';
import type { Asked, EpochDiagnostics, JobFilter, JobStore, StoredEpoch, StoredJob } from './job-store.ts';
import type { JobView } from './job-view.ts';
import { viewOf, viewsOf } from './job-views.ts';
import type { OwnerEvent } from './lifecycle/job-life.ts';

export interface JobServiceDeps {
  readonly jobs: JobStore;
  readonly events: EventStore;
  readonly notifications: Notifications;
  readonly blobs: Pick<BlobStore, 'info' | 'readRange' | 'readAll'>;
  /** Where the rows of `predictions` come from. */
  readonly datasets: JobPredictionsDeps['datasets'];
  readonly backend: JobPredictionsDeps['backend'];
  readonly trainingChecks: TrainingCheckService;
}

export type JobService = ReturnType<typeof createJobService>;

/** Jobs as their owners see them: posting, watching, cancelling, deleting. Running them is the worker's side. */
export function createJobService(deps: JobServiceDeps) {
  return { ...jobChanges(deps), ...createJobForks(deps), ...jobReads(deps) };
}

function jobChanges(deps: JobServiceDeps) {
  const { jobs } = deps;
  return {
    /**
     * Checks the whole body, then stores the queued job with its first event and its doorbell in one transaction, in which
     * `remember` keeps the reply. Throws spec_invalid with every fault.
     */
    async create(project: string, body: unknown, remember: (tx: Tx, job: JobView) => Promise<void>): Promise<JobView> {
      const checked = await deps.trainingChecks.requireRequest(project, body);
      return jobs.transaction(async (tx) => {
        const id = await insertTraining(tx, jobs, { project, checked });
        const job = await viewOf(deps, await existingJob(jobs, project, id, tx), tx);
        await remember(tx, job);
        return job;
      });
    },

    /**
     * Does what the owner asks, or has a running job's worker do it; asking again changes nothing. Throws state_conflict, which
     * says what could be asked instead.
     */
    async ask(project: string, id: string, event: OwnerEvent): Promise<JobView> {
      const asked = await jobs.ask(project, id, event);
      if (asked === null) throw noJob();
      if (asked.step.refusal !== null) throw conflict(event, asked);
      return viewOf(deps, await existingJob(jobs, project, id));
    },

    /** Deletes an ended job; the versions it made stay. Throws state_conflict while it has not ended. */
    async remove(project: string, id: string): Promise<void> {
      await jobs.transaction(async (tx) => {
        const status = await jobs.lockStatus(tx, project, id);
        if (status === null) throw noJob();
        if (!isTerminal(status)) throw new AppError('state_conflict', { detail: `The job is ${status}: cancel it first.` });
        await jobs.remove(tx, id);
      });
    },
  };
}

function jobReads(deps: JobServiceDeps) {
  const { jobs, events, blobs } = deps;
  return {
    async get(project: string, id: string): Promise<JobView> {
      return viewOf(deps, await existingJob(jobs, project, id));
    },

    /** The job at its next change of status or epoch; at once when it has ended, unchanged after `seconds`. */
    wait: async (project: string, id: string, seconds: number, signal: AbortSignal): Promise<JobView> =>
      viewOf(deps, await waitForChange(deps, { read: () => existingJob(jobs, project, id), id, seconds, signal })),

    /** Newest first; `before` is the id of the last one seen. */
    async list(project: string, filter: JobFilter, take: number, before: string | null): Promise<JobView[]> {
      return viewsOf(deps, await jobs.list(project, filter, take, before));
    },

    async epochs(project: string, id: string, take: number, after: number): Promise<StoredEpoch[]> {
      await existingJob(jobs, project, id);
      return jobs.epochs(id, take, after);
    },

    /** Throws state_conflict for a job that did not ask for them. */
    async diagnostics(project: string, id: string, take: number, after: number): Promise<EpochDiagnostics[]> {
      const { request } = await existingJob(jobs, project, id);
      if (!(request as TrainingRequest).diagnostics) {
        throw new AppError('state_conflict', { detail: 'The job keeps no diagnostics: post it with "diagnostics": true.' });
      }
      return jobs.diagnostics(id, take, after);
    },

    async events(project: string, id: string, take: number, after: number): Promise<StoredEvent[]> {
      await existingJob(jobs, project, id);
      return events.after(id, after, take);
    },

    async logs(project: string, id: string, take: number, after: number): Promise<StoredEvent[]> {
      await existingJob(jobs, project, id);
      return events.logs(id, after, take);
    },

    /** True when the job has ended and has no event after `after`: whoever comes back to the stream has seen it all. */
    async isAllSeen(project: string, id: string, after: number): Promise<boolean> {
      const job = await existingJob(jobs, project, id);
      return isTerminal(job.status) && after >= job.lastEvent;
    },

    /** The stream of events after `after`. */
    follow: (project: string, id: string, after: number, signal: AbortSignal) => followJob(deps, { project, id, after, signal }),

    /** The trained weights. Throws state_conflict unless the job has succeeded. */
    async weights(project: string, id: string): Promise<WeightsFile> {
      return openWeights(blobs, weightsOf(await existingJob(jobs, project, id)));
    },

    /** What the weights say about rows `from` to `to` (exclusive) of the job's dataset. Throws state_conflict as `weights` does. */
    async predictions(project: string, id: string, rows: { from: number; to: number }): Promise<RowPrediction[]> {
      const job = await existingJob(jobs, project, id);
      const weightsBlobId = weightsOf(job);
      return predictRows(deps, { project, request: job.request as TrainingRequest, weightsBlobId }, rows);
    },
  };
}

function weightsOf({ weightsBlobId, status }: StoredJob): string {
  if (weightsBlobId !== null && status === 'succeeded') return weightsBlobId;
  const detail = isTerminal(status)
    ? `The job has ended as ${status} and left no weights.`
    : `The job is ${status}: weights are there once it has succeeded.`;
  throw new AppError('state_conflict', { detail });
}

function conflict(event: OwnerEvent, { before, allowed }: Asked): AppError {
  const { status, wish, hasDataset } = before;
  const asked = wish === null ? '' : ` and is asked to ${wish}`;
  const lost = event.type === 'retry' && !hasDataset ? ' and its dataset was deleted' : '';
  const verb = event.type === 'retry' ? `retry from ${event.from}` : event.type;
  const detail = `The job is ${status}${asked}${lost}: it cannot ${verb}; ${whatIsLeft(status, allowed)}.`;
  return new AppError('state_conflict', { detail, members: { job_status: status, allowed } });
}

function whatIsLeft(status: string, allowed: readonly string[]): string {
  if (allowed.length > 0) return `what can be asked is ${allowed.join(', ')}`;
  return isTerminal(status) ? 'it can only be deleted' : 'nothing else can be asked of it';
}
