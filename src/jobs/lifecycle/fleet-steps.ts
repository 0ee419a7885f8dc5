import { isWaiting } from '../job-state.ts';
import { afterwards, changed, ended, leftBy, paused, queued, refused, tellStatus, unchanged } from './changes.ts';
import type { FleetEvent, JobFailure, JobLife, LifeEffect, Step } from './job-life.ts';

/** A job whose process dies this often while it is alone in it, without a new checkpoint in between, is ended. */
export const CRASHES_MAX = 3;

const WORKER_LOST: JobFailure = {
  code: 'worker_lost_limit',
  detail: `The worker died ${CRASHES_MAX} times while it ran this job alone, without getting to a new checkpoint in between.`,
  errors: [],
  hint: 'A smaller batch or network needs less memory.',
};

/** Workers come and go. */
export function stepFleet(state: JobLife, event: FleetEvent, now: number): Step {
  switch (event.type) {
    case 'dataset_ready':
      return state.status === 'validating' ? queued(state) : unchanged(state);
    case 'dataset_failed':
      if (state.status !== 'validating') return unchanged(state);
      return ended(state, { status: 'failed', stopReason: 'error', error: event.error }, now);
    case 'claimed':
      return claimed(state, event, now);
    case 'lease_expired':
      return isExpired(state, now) ? lost(state, now) : unchanged(state);
    case 'worker_lost':
      return state.status === 'running' && state.workerId === event.workerId ? lost(state, now) : unchanged(state);
    case 'worker_appeared':
      return state.status === 'waiting_for_worker' ? queued(state) : unchanged(state);
    default:
      return event satisfies never;
  }
}

function isExpired({ status, leaseUntil }: JobLife, now: number): boolean {
  return status === 'running' && leaseUntil !== null && leaseUntil < now;
}

type Claimed = Extract<FleetEvent, { type: 'claimed' }>;

/** A claim also takes a job whose worker let its lease run out, which may end it instead. */
function claimed(state: JobLife, event: Claimed, now: number): Step {
  if (isExpired(state, now)) return afterwards(lost(state, now), (interrupted) => claimed(interrupted, event, now));
  if (!isWaiting(state.status)) return refused(state, 'not_waiting');
  if (event.match === 'elsewhere') return refused(state, 'other_worker');
  if (event.match === 'nowhere') {
    return changed({ ...state, status: 'waiting_for_worker' }, tellStatus('waiting_for_worker', state), { type: 'unring' });
  }
  if (state.suspect && !event.alone) return refused(state, 'needs_own_process');
  const next: JobLife = {
    ...state,
    status: 'running',
    attempt: state.attempt + 1,
    fence: state.fence + 1,
    workerId: event.workerId,
    leaseUntil: now + event.leaseMs,
    alone: event.alone,
    startedAt: state.startedAt ?? now,
  };
  return changed(next, tellStatus('running', next));
}

/** The worker is gone, or so long silent that it has given the job up by its own clock. */
function lost(state: JobLife, now: number): Step {
  // Nobody is left to heed the wish, and nothing is left to stop.
  if (state.wish === 'cancel') return leftBy(state, 'cancelled', now);
  const blamed: JobLife = { ...state, suspect: true, crashes: state.crashes + (state.alone ? 1 : 0) };
  return afterwards(interrupted(blamed), (left) => {
    if (left.crashes >= CRASHES_MAX) return ended(left, { status: 'failed', stopReason: 'worker_lost_limit', error: WORKER_LOST }, now);
    if (left.wish === 'stop' && !left.hasCheckpoint) return leftBy(left, 'user_stop', now);
    return left.wish === 'pause' ? paused(left, now) : changed(left, { type: 'ring', attempt: left.attempt + 1 });
  });
}

function interrupted(state: JobLife): Step {
  const told: LifeEffect = { type: 'tell', event: { type: 'interrupted', data: { attempt: state.attempt, reason: 'worker_lost' } } };
  return changed({ ...state, status: 'interrupted', workerId: null, leaseUntil: null, alone: false }, told);
}
