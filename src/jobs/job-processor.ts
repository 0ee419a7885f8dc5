import { type ExecutionDeps, JobExecution } from './job-execution.ts';
import type { LeaseKeeper } from './lease-keeper.ts';

export interface JobProcessorDeps extends ExecutionDeps {
  readonly workerId: string;
  readonly keeper: LeaseKeeper;
}

export interface JobProcessor {
  /** Runs the job a doorbell named until it has ended or is given back. Never rejects. */
  process(jobId: string): Promise<void>;
  /** Looks at the rows of the running jobs now: one of them is to be cancelled. */
  check(): void;
  /** Stops the trainings after their newest checkpoint and gives their jobs back; claims nothing more. */
  releaseAll(): Promise<void>;
}

/** What a worker does with a doorbell: claim first, whatever the message says, and let every path end the job or release it. */
export function createJobProcessor(deps: JobProcessorDeps): JobProcessor {
  const running = new Map<JobExecution, Promise<void>>();
  let closing = false;

  const run = async (jobId: string): Promise<void> => {
    const job = await deps.executions.claim(jobId, deps.workerId);
    if (job === null) return;
    const logger = deps.logger.child({ job: jobId, attempt: job.attempt });
    const execution = new JobExecution({ ...deps, logger }, job);
    const unwatch = deps.keeper.watch(job.lease, {
      onLost: () => execution.stop('lease_lost'),
      onCancel: () => execution.stop('cancel'),
    });
    const done = execution.run().finally(unwatch);
    running.set(execution, done);
    // A stop that came while the claim was under way found no execution to stop.
    if (closing) execution.stop('release');
    await done.finally(() => running.delete(execution));
  };

  return {
    process: async (jobId) => {
      if (closing) return; // The sweeper rings again.
      try {
        await run(jobId);
      } catch (error) {
        // The claim did not succeed, or the end could not be written: the lease runs out and the sweeper takes over.
        deps.logger.error({ err: error, job: jobId }, 'job_abandoned');
      }
    },
    check: () => deps.keeper.check(),
    releaseAll: async () => {
      closing = true;
      for (const execution of running.keys()) execution.stop('release');
      await Promise.allSettled(running.values());
    },
  };
}
