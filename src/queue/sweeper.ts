import type { LeaseRecovery } from '../jobs/lease-recovery.ts';
import { startLoop } from '../lib/wakeable-loop.ts';
import type { TrainQueue } from './train-queue.ts';

const INTERVAL_MS = 2000;
const RING_AGAIN_MAX = 5000;

export interface SweeperDeps {
  readonly recovery: LeaseRecovery;
  readonly queue: TrainQueue;
  readonly onError: (error: Error) => void;
  readonly intervalMs?: number;
}

/**
 * Heals what no message announces: jobs whose worker vanished, and a queue that lost messages (a flushed Redis). Any
 * number of processes may run it.
 */
export function startSweeper(deps: SweeperDeps): { close(): Promise<void> } {
  return startLoop(() => sweep(deps), { intervalMs: deps.intervalMs ?? INTERVAL_MS, onError: deps.onError });
}

async function sweep({ recovery, queue }: SweeperDeps): Promise<void> {
  await recovery.interruptExpired();
  // Read the queue first: a job claimed in between then looks like one message too many, never one too few.
  const waiting = await queue.countWaiting();
  const rung = await recovery.countRung();
  // Ringing again is idempotent, so it is enough to know that some message is missing, not which.
  if (rung > waiting) await recovery.ringAgain(RING_AGAIN_MAX);
}
