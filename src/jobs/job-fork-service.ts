import type { Tx } from '../db/database.ts';
import { faultsBelow, resumeFaults } from '../engine/index.ts';
import { AppError } from '../errors.ts';
import { mergePatch } from '../lib/merge-patch.ts';
import type { CheckedTrainingRequest } from '../training/check-training-request.ts';
import { refusal, type TrainingCheckService } from '../training/training-check-service.ts';
import type { TrainingRequest } from '../training/training-request.ts';
import type { EventStore } from './event-store.ts';
import { existingJob } from './existing-job.ts';
import { copyStart, type HeldCheckpoint, holdCheckpoint } from './job-fork-store.ts';
import { insertTraining } from './job-posting.ts';
import type { JobProgress, JobStore } from './job-store.ts';
import type { JobView } from './job-view.ts';
import { viewOf } from './job-views.ts';

export interface JobForkDeps {
  readonly jobs: JobStore;
  readonly events: Pick<EventStore, 'timelines'>;
  readonly trainingChecks: TrainingCheckService;
}

export interface Fork {
  /** Null: the newest. */
  readonly checkpoint: string | null;
  /** Changes to the request of the other job, as a JSON Merge Patch (RFC 7396). */
  readonly patch: object;
}

/** New jobs that start from a checkpoint of another one. */
export function createJobForks(deps: JobForkDeps) {
  const { jobs } = deps;
  return {
    /**
     * Stores a job with the request of another one, patched, that starts from one of its checkpoints. Throws spec_invalid with
     * every fault of the patched request, and when its tensors are not those of the checkpoint; state_conflict without one.
     */
    async fork(
      project: string,
      id: string,
      { checkpoint, patch }: Fork,
      remember: (tx: Tx, job: JobView) => Promise<void>,
    ): Promise<JobView> {
      const request = (await existingJob(jobs, project, id)).request as TrainingRequest;
      const checked = await checkPatched(deps.trainingChecks, project, { request, patch });
      return jobs.transaction(async (tx) => {
        const held = await holdCheckpoint(tx, id, checkpoint);
        if (held === null) throw noCheckpoint(checkpoint);
        const fork = { job: id, checkpoint: held.id, epoch: held.epoch };
        const forkId = await insertTraining(tx, jobs, { project, checked, fork, progress: progressAt(held, checked) });
        await copyStart(tx, forkId, fork, held);
        const job = await viewOf(deps, await existingJob(jobs, project, forkId, tx), tx);
        await remember(tx, job);
        return job;
      });
    },
  };
}

async function checkPatched(
  checks: TrainingCheckService,
  project: string,
  { request, patch }: { request: TrainingRequest; patch: object },
): Promise<CheckedTrainingRequest> {
  try {
    const checked = await checks.requireRequest(project, mergePatch(bodyOf(request), patch));
    const next = checked.request;
    const faults = resumeFaults(
      { spec: request.spec, optimizer: request.training.optimizer },
      { spec: next.spec, optimizer: next.training.optimizer },
    );
    if (faults.length > 0) throw refusal(faults);
    return checked;
  } catch (error) {
    if (!(error instanceof AppError) || error.options.errors === undefined) throw error;
    // What is wrong is said about the patch: the rest was right once.
    throw new AppError(error.code, {
      ...error.options,
      errors: faultsBelow(
        '/patch',
        error.options.errors.filter((fault) => 'pointer' in fault),
      ),
    });
  }
}

/** A stored request as it could have been posted: what it says is null was not given, and the model's spec is spelled out. */
function bodyOf({ model: _, ...request }: TrainingRequest): object {
  return Object.fromEntries(
    Object.entries(request)
      .filter(([, value]) => value !== null)
      .map(([field, value]) => [field, BRANCHES.includes(field) ? withoutNulls(Object(value)) : value]),
  );
}

const BRANCHES: readonly string[] = ['limits', 'on_success', 'window'];

function withoutNulls(branch: object): object {
  return Object.fromEntries(Object.entries(branch).filter(([, value]) => value !== null));
}

function progressAt({ epoch, step }: HeldCheckpoint, { request, steps }: CheckedTrainingRequest): JobProgress {
  const fraction = steps === 0 ? 0 : Math.min(1, step / steps);
  return { fraction, epoch, epochs: request.training.epochs, step, steps, eta_seconds: null, samples_per_second: null };
}

function noCheckpoint(id: string | null): AppError {
  const detail =
    id === null
      ? 'The job has no checkpoint to start from.'
      : 'The job has no checkpoint with this id: those that are no longer needed are removed.';
  return new AppError(id === null ? 'state_conflict' : 'not_found', { detail });
}
