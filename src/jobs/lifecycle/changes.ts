// Changes that several events share. Each gives the new state and what is to be written with it.

import type { JobStatus, StopReason } from '../job-state.ts';
import type { JobFailure, JobLife, LifeEffect, Refusal, Step } from './job-life.ts';

export function unchanged(state: JobLife): Step {
  return { state, effects: [], refusal: null };
}

export function refused(state: JobLife, refusal: Refusal): Step {
  return { state, effects: [], refusal };
}

export function changed(state: JobLife, ...effects: readonly LifeEffect[]): Step {
  return { state, effects, refusal: null };
}

/** Nobody holds the job any more. */
const FREE = { workerId: null, leaseUntil: null, alone: false } as const;

/** Into the queue, with a doorbell for the next attempt. */
export function queued(state: JobLife): Step {
  const effects: LifeEffect[] = [tellStatus('queued', state), { type: 'ring', attempt: state.attempt + 1 }];
  return changed({ ...state, ...FREE, status: 'queued', pausedAt: null }, ...effects);
}

export function paused(state: JobLife, now: number): Step {
  const next: JobLife = { ...state, ...FREE, status: 'paused', wish: null, pausedAt: now };
  return changed(next, tellStatus('paused', state), { type: 'unring' });
}

export type Ending =
  | { readonly status: 'succeeded'; readonly stopReason: StopReason }
  | { readonly status: 'failed'; readonly stopReason: StopReason; readonly error: JobFailure }
  | { readonly status: 'cancelled'; readonly stopReason: 'cancelled' | 'user_stop' };

/** The terminal state, with the last two events. */
export function ended(state: JobLife, ending: Ending, now: number): Step {
  const { status, stopReason } = ending;
  const data = { status, stop_reason: stopReason };
  return changed(
    { ...state, ...FREE, status, stopReason, wish: null, pausedAt: null, endedAt: now },
    ...(ending.status === 'failed' ? [{ type: 'explain', error: ending.error } as const] : []),
    { type: 'tell', event: { type: 'status', data } },
    { type: 'tell', event: { type: 'done', data } },
    { type: 'thin_checkpoints' },
    { type: 'unring' },
  );
}

/** Nothing was learned that a stop could keep, or the owner wants nothing kept. */
export function leftBy(state: JobLife, stopReason: 'cancelled' | 'user_stop', now: number): Step {
  return ended(state, { status: 'cancelled', stopReason }, now);
}

/** Both changes as one. */
export function afterwards(first: Step, next: (state: JobLife) => Step): Step {
  const { state, effects, refusal } = next(first.state);
  return { state, effects: [...first.effects, ...effects], refusal };
}

export function tellStatus(status: JobStatus, { attempt }: JobLife): LifeEffect {
  return { type: 'tell', event: { type: 'status', data: attempt === 0 ? { status } : { status, attempt } } };
}
