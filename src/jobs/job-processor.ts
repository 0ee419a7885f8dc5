import type { JobProcesses } from '../runtime/job-processes.ts';
import { type ExecutionDeps, JobExecution } from './job-execution.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { JobWish } from './lifecycle/job-life.ts';

export interface JobProcessorDeps extends ExecutionDeps {
  readonly workerId: string;
  readonly keeper: LeaseKeeper;
  /** Processes of their own for jobs that need one; null where this process is one. */
  readonly apart: JobProcesses | null;
}

export interface JobProcessor {
  /** Runs the job a doorbell named until it has ended or is given back. Never rejects. */
  process(jobId: string): Promise<void>;
  /** Looks at the rows of the running jobs now: the owner of one of them wants something. */
  check(): void;
  /** Stops the trainings after the epochs under way, those that take too long at once, and gives their jobs back; claims nothing more. */
  releaseAll(): Promise<void>;
}

/** What a worker does with a doorbell: claim first, whatever the message says, and let every path end the job or release it. */
export function createJobProcessor(deps: JobProcessorDeps): JobProcessor {
  const running = new Set<JobExecution>();
  // Claims under way included.
  const handled = new Set<Promise<void>>();
  let closing = false;

  /** What may not be claimed here may be a job that must not bring others down with it. */
  const runApart = async (jobId: string): Promise<void> => {
    if (deps.apart === null || !(await deps.executions.needsOwnProcess(jobId)) || closing) return;
    await deps.apart.run(jobId);
  };

  const run = async (jobId: string): Promise<void> => {
    const claimedAt = deps.now();
    const job = await deps.executions.claim(jobId, deps.workerId);
    if (job === null) return runApart(jobId);
    const logger = deps.logger.child({ job: jobId, attempt: job.attempt });
    const execution = new JobExecution({ ...deps, logger }, job);
    const watcher = { onLost: () => execution.stop('lease_lost'), onWish: (wish: JobWish) => execution.stop(wish) };
    const unwatch = deps.keeper.watch(job.lease, watcher, claimedAt);
    running.add(execution);
    if (job.wish !== null) execution.stop(job.wish);
    // A stop that came while the claim was under way found no execution to stop.
    if (closing) execution.stop('release');
    try {
      await execution.run();
    } finally {
      unwatch();
      running.delete(execution);
    }
  };

  const handle = async (jobId: string): Promise<void> => {
    try {
      await run(jobId);
    } catch (error) {
      // The claim did not succeed, or the end could not be written: the lease runs out and the sweeper takes over.
      deps.logger.error({ err: error, job: jobId }, 'job_abandoned');
    }
  };

  return {
    process: async (jobId) => {
      if (closing) return; // The sweeper rings again.
      const done = handle(jobId);
      handled.add(done);
      await done.finally(() => handled.delete(done));
    },
    check: () => deps.keeper.check(),
    releaseAll: async () => {
      closing = true;
      for (const execution of running) execution.stop('release');
      await Promise.all([deps.apart?.close(), ...handled]);
    },
  };
}
