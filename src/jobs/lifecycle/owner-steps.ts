import { isTerminal } from '../job-state.ts';
import { afterwards, changed, leftBy, paused, queued, refused, unchanged } from './changes.ts';
import type { JobLife, LifeEffect, OwnerEvent, RetryFrom, Step } from './job-life.ts';

/** Asking again for what was asked, or has happened, changes nothing and is no conflict. */
export function stepOwner(state: JobLife, event: OwnerEvent, now: number): Step {
  switch (event.type) {
    case 'cancel':
      return cancel(state, now);
    case 'stop':
      return stop(state, now);
    case 'pause':
      return pause(state, now);
    case 'resume':
      return resume(state, now);
    case 'retry':
      return retry(state, event.from);
    default:
      return event satisfies never;
  }
}

function cancel(state: JobLife, now: number): Step {
  if (state.status === 'cancelled' || state.wish === 'cancel') return unchanged(state);
  if (isTerminal(state.status)) return refused(state, 'conflict');
  if (state.status !== 'running') return leftBy(state, 'cancelled', now);
  return changed({ ...state, wish: 'cancel' }, { type: 'signal' });
}

/** Ends the job with what it has learned. The weights are in its checkpoint: one that does not run needs a worker for that. */
function stop(state: JobLife, now: number): Step {
  if (state.stopReason === 'user_stop' || state.wish === 'stop') return unchanged(state);
  if (isTerminal(state.status) || state.wish === 'cancel') return refused(state, 'conflict');
  const wishing: JobLife = { ...state, wish: 'stop' };
  if (state.status === 'running') return changed(wishing, { type: 'signal' });
  if (!state.hasCheckpoint) return leftBy(state, 'user_stop', now);
  return state.status === 'paused' ? goOn(wishing, now) : changed(wishing);
}

function pause(state: JobLife, now: number): Step {
  if (state.status === 'paused' || state.wish === 'pause') return unchanged(state);
  if (isTerminal(state.status) || state.status === 'validating' || state.wish !== null) return refused(state, 'conflict');
  if (state.status === 'running') return changed({ ...state, wish: 'pause' }, { type: 'signal' });
  return paused(state, now);
}

/** Lets the job go on. A worker that was asked to pause it and has not yet gives it back to the queue. */
function resume(state: JobLife, now: number): Step {
  if (isTerminal(state.status) || state.wish === 'cancel' || state.wish === 'stop') return refused(state, 'conflict');
  if (state.status === 'paused') return goOn(state, now);
  return state.wish === 'pause' ? changed({ ...state, wish: null }) : unchanged(state);
}

/** The time it was paused does not count against its limit. */
function goOn(state: JobLife, now: number): Step {
  const { startedAt, pausedAt } = state;
  return queued({ ...state, startedAt: startedAt === null || pausedAt === null ? startedAt : startedAt + (now - pausedAt) });
}

/**
 * The one way back from an end, and for a job that waits for a worker of another kind the way to do without its checkpoint.
 * It gets its crashes forgiven, but one that was to run alone still is.
 */
function retry(state: JobLife, from: RetryFrom): Step {
  if (!state.hasDataset) return refused(state, 'conflict');
  const isStuck = state.status === 'waiting_for_worker' && from === 'start';
  if (state.status !== 'failed' && state.status !== 'cancelled' && !isStuck) {
    const isRepeated = state.retriedFrom === from && !isTerminal(state.status) && state.status !== 'paused' && state.wish === null;
    return isRepeated ? unchanged(state) : refused(state, 'conflict');
  }
  const again: JobLife = {
    ...state,
    stopReason: null,
    wish: null,
    crashes: 0,
    retries: state.retries + 1,
    retriedFrom: from,
    hasCheckpoint: from === 'checkpoint' && state.hasCheckpoint,
    startedAt: null,
    endedAt: null,
  };
  return afterwards(changed(again, ...forgotten(state, from)), queued);
}

/** Epochs computed again are compared with those stored; where they differed, the stored ones cannot stay. */
function forgotten({ stopReason }: JobLife, from: RetryFrom): LifeEffect[] {
  if (from === 'start') return [{ type: 'forget', what: 'all' }];
  return stopReason === 'determinism_violation' ? [{ type: 'forget', what: 'after_checkpoint' }] : [];
}
