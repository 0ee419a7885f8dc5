import { changed, ended, leftBy, paused, queued, refused } from './changes.ts';
import type { JobLife, Step, WorkerEvent } from './job-life.ts';

/** What the holder of the lease says counts only while it holds it: the fence decides, not the clock. */
export function stepWorker(state: JobLife, event: WorkerEvent, now: number): Step {
  if (state.status !== 'running' || event.fence !== state.fence) return refused(state, 'lease_lost');
  switch (event.type) {
    case 'heartbeat':
      return changed({ ...state, leaseUntil: now + event.leaseMs });
    case 'epochs_committed':
      return changed({ ...state, leaseUntil: now + event.leaseMs, ...(event.checkpoint && FURTHER) });
    case 'released':
      return released(state, now);
    case 'succeeded':
      return ended(state, { status: 'succeeded', stopReason: event.stopReason }, now);
    case 'failed':
      return ended(state, { status: 'failed', stopReason: event.stopReason, error: event.error }, now);
    case 'left':
      return leftBy(state, event.stopReason, now);
    default:
      return event satisfies never;
  }
}

/** Only getting further than before proves that the job does not kill its workers. */
const FURTHER = { hasCheckpoint: true, suspect: false, crashes: 0 } as const;

function released(state: JobLife, now: number): Step {
  if (state.wish === 'cancel') return leftBy(state, 'cancelled', now);
  if (state.wish === 'pause') return paused(state, now);
  if (state.wish === 'stop' && !state.hasCheckpoint) return leftBy(state, 'user_stop', now);
  return queued(state);
}
