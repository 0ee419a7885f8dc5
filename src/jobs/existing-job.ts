import type { Tx } from '../db/database.ts';
import { AppError } from '../errors.ts';
import type { JobStore, StoredJob } from './job-store.ts';

/** The job of a project, read inside `tx` when it has not committed yet. Throws not_found. */
export async function existingJob(jobs: Pick<JobStore, 'find'>, project: string, id: string, tx?: Tx): Promise<StoredJob> {
  const job = await jobs.find(project, id, tx);
  if (job === null) throw noJob();
  return job;
}

export function noJob(): AppError {
  return new AppError('not_found', { detail: 'There is no job with this id.' });
}
