import { LIVE_SECONDS } from '../jobs/checkpoint-match.ts';
import type { LeaseRecovery } from '../jobs/lease-recovery.ts';
import type { LiveWorker, WorkerInfo, WorkerStore } from './worker-store.ts';

export interface FleetDeps {
  readonly workers: WorkerStore;
  readonly recovery: LeaseRecovery;
}

export type FleetService = ReturnType<typeof createFleetService>;

/** The worker processes there are, and what becomes of the jobs of those that die. */
export function createFleetService({ workers, recovery }: FleetDeps) {
  return {
    /** Says that a worker lives, and queues the jobs that waited for one like it. */
    async heartbeat(worker: WorkerInfo): Promise<void> {
      await workers.heartbeat(worker);
      const { engine, backend } = worker;
      if (engine !== null) await recovery.queueFor({ engine, backend });
    },

    /** A worker ends in good order: it holds no job any more. */
    leave: (workerId: string): Promise<void> => workers.remove([workerId]),

    /** A process of this machine is known to be dead: its jobs go back to the queue without waiting for their leases. */
    async processDied(process: { host: string; pid: number }): Promise<number> {
      const ids = await workers.idsOf(process);
      const interrupted = await recovery.interruptWorkers(ids);
      await workers.remove(ids);
      return interrupted;
    },

    /** Live workers, newest first; of their jobs only those of the project. */
    listLive: (project: string, take: number, before: string | null): Promise<LiveWorker[]> =>
      workers.listLive(project, LIVE_SECONDS, take, before),
  };
}
