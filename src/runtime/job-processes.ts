// Processes that run one job each and end with it: for jobs that may have taken a worker down with them. If it was the job, it
// only takes itself down the next time.

import { type ChildProcess, fork } from 'node:child_process';
import type { Logger } from 'pino';
import { endChild } from './supervisor.ts';

export interface JobProcesses {
  /** Runs the job in a process of its own; resolves when that has ended, however it did. */
  run(jobId: string): Promise<void>;
  /** SIGTERM to all, and SIGKILL for those that do not end. */
  close(): Promise<void>;
}

export interface JobProcessesOptions {
  /** The file such a process runs, with the job's id as its argument. */
  readonly entry: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Pick<Logger, 'info' | 'error'>;
  /** The place to give back what the dead one held. */
  readonly onDeath: (pid: number) => Promise<unknown>;
}

export function createJobProcesses({ entry, env, logger, onDeath }: JobProcessesOptions): JobProcesses {
  const children = new Set<ChildProcess>();
  return {
    run: async (jobId) => {
      // Its own process group, like a supervised worker; the IPC channel ties its life to this process.
      const child = fork(entry, [jobId], { env, detached: true });
      const { pid } = child;
      children.add(child);
      logger.info({ job: jobId, process: pid ?? null }, 'job_process_started');
      const how = await endOf(child);
      children.delete(child);
      if (how.code === 0 || pid === undefined) return;
      logger.error({ job: jobId, process: pid, ...how }, 'job_process_died');
      await onDeath(pid);
    },
    close: async () => {
      await Promise.all([...children].map(endChild));
    },
  };
}

interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    // One that could not be started has no exit.
    child.once('error', () => child.pid === undefined && resolve({ code: null, signal: null }));
  });
}
