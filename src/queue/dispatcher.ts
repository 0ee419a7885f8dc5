import type { Pool } from 'pg';
import type { Listener } from '../db/listener.ts';
import type { CheckpointLimits } from '../jobs/checkpoint-expiry.ts';
import type { LeaseRecovery } from '../jobs/lease-recovery.ts';
import { startHousekeeping } from './housekeeping.ts';
import { startRelay } from './relay.ts';
import { startSweeper } from './sweeper.ts';
import type { TrainQueue } from './train-queue.ts';

export interface DispatcherDeps {
  readonly pool: Pool;
  readonly listener: Listener;
  readonly queue: TrainQueue;
  readonly recovery: LeaseRecovery;
  readonly checkpointLimits: CheckpointLimits;
  readonly onError: (error: Error) => void;
}

/**
 * What brings waiting jobs to workers, the relay and the sweeper, and what removes old rows. Every process of either role runs it, so that there is
 * one as long as there is anybody; they do not get into each other's way.
 */
export function startDispatcher(deps: DispatcherDeps): { close(): Promise<void> } {
  const relay = startRelay(deps);
  const sweeper = startSweeper(deps);
  const housekeeping = startHousekeeping(deps);
  return {
    close: async () => {
      await Promise.all([relay.close(), sweeper.close(), housekeeping.close()]);
    },
  };
}
