import { BlobError } from '../blobs/blob-store.ts';
import { AppError } from '../errors.ts';
import type { WeightsFile } from '../models/weights-file.ts';
import type { CheckpointStore, StoredCheckpoint } from './checkpoint-store.ts';
import { existingJob } from './existing-job.ts';
import type { JobStore } from './job-store.ts';

export interface CheckpointServiceDeps {
  readonly jobs: Pick<JobStore, 'find'>;
  readonly checkpoints: CheckpointStore;
  /** Of each project. */
  readonly bytesMax: number;
}

/** Something a project may have so much of. */
export interface Quota {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
}

const PINNED_TOO_MUCH = 'The pinned checkpoints of the project would take more than CHECKPOINT_BYTES_MAX: unpin others first.';

export type CheckpointService = ReturnType<typeof createCheckpointService>;

/** Checkpoints as the owners of their jobs see them. */
export function createCheckpointService({ jobs, checkpoints, bytesMax }: CheckpointServiceDeps) {
  const existing = async (project: string, jobId: string, id: string): Promise<StoredCheckpoint> => {
    await existingJob(jobs, project, jobId);
    const checkpoint = await checkpoints.find(jobId, id);
    if (checkpoint === null) throw noCheckpoint();
    return checkpoint;
  };
  return {
    get: existing,

    /** Newest first; `before` is the epoch of the last one seen. */
    async list(project: string, jobId: string, take: number, before: number | null): Promise<StoredCheckpoint[]> {
      await existingJob(jobs, project, jobId);
      return checkpoints.list(jobId, take, before);
    },

    /** Keeps it whatever the policy of the job says. Doing so twice changes nothing. Throws quota_exceeded. */
    async pin(project: string, jobId: string, id: string): Promise<StoredCheckpoint> {
      await existingJob(jobs, project, jobId);
      const outcome = await checkpoints.pin({ project, jobId, id, bytesMax });
      if (outcome === 'gone') throw noCheckpoint();
      if (outcome === 'too_much') throw new AppError('quota_exceeded', { detail: PINNED_TOO_MUCH });
      return existing(project, jobId, id);
    },

    /** Keeps it only as long as the policy of the job says. Doing so twice changes nothing. */
    async unpin(project: string, jobId: string, id: string): Promise<StoredCheckpoint> {
      await existingJob(jobs, project, jobId);
      if (!(await checkpoints.unpin(jobId, id))) throw noCheckpoint();
      return existing(project, jobId, id);
    },

    /** What a project has used of what it may. */
    async quotas(project: string): Promise<Quota[]> {
      const { bytes, pinnedBytes } = await checkpoints.usage(project);
      return [
        { name: 'checkpoint_bytes', used: bytes, limit: bytesMax },
        { name: 'pinned_checkpoint_bytes', used: pinnedBytes, limit: bytesMax },
      ];
    },

    /** The weights it holds, as a file like that of the trained weights. Throws state_conflict when it is damaged. */
    async weights(project: string, jobId: string, id: string): Promise<WeightsFile> {
      const checkpoint = await existing(project, jobId, id);
      try {
        return await checkpoints.weights(checkpoint);
      } catch (error) {
        if (!(error instanceof BlobError)) throw error;
        throw new AppError('state_conflict', { detail: `The checkpoint is damaged: it ${error.problem}.`, cause: error });
      }
    },
  };
}

function noCheckpoint(): AppError {
  return new AppError('not_found', { detail: 'The job has no checkpoint with this id: those that are no longer needed are removed.' });
}
