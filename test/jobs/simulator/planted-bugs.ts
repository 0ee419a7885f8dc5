// The life of a job with one mistake each. A test that never failed proves nothing: each of these must be found.

import type { JobLife, LifeEffect, LifeEvent, Step } from '../../../src/jobs/lifecycle/job-life.ts';
import { step } from '../../../src/jobs/lifecycle/step.ts';
import type { StepFunction } from './laws.ts';

/** Does what `step` does, but for the result of some events. */
const after =
  (change: (next: Step, before: JobLife, event: LifeEvent) => Step): StepFunction =>
  (state, event, now) =>
    change(step(state, event, now), state, event);

/** Takes the event for another one, or the state for another one, before it is looked at. */
const instead =
  (see: (state: JobLife, event: LifeEvent, now: number) => readonly [JobLife, LifeEvent]): StepFunction =>
  (state, event, now) => {
    const [seenState, seenEvent] = see(state, event, now);
    const next = step(seenState, seenEvent, now);
    return next.state === seenState ? { ...next, state } : next;
  };

const without = (next: Step, dropped: LifeEffect['type']): Step => ({
  ...next,
  effects: next.effects.filter(({ type }) => type !== dropped),
});

const changing = (next: Step, change: Partial<JobLife>): Step => ({ ...next, state: { ...next.state, ...change } });

export const PLANTED_BUGS: Readonly<Record<string, StepFunction>> = {
  'a late cancel overwrites an end': (state, event, now) =>
    event.type === 'cancel' && state.status === 'failed'
      ? step({ ...state, status: 'queued', stopReason: null }, event, now)
      : step(state, event, now),
  'a succeeded job can be retried': instead((state, event) => [
    event.type === 'retry' && state.status === 'succeeded' ? { ...state, status: 'failed' } : state,
    event,
  ]),
  'the fence of an epoch is not checked': instead((state, event) => [
    state,
    event.type === 'epochs_committed' ? { ...event, fence: state.fence } : event,
  ]),
  'the fence of an end is not checked': instead((state, event) => [
    state,
    event.type === 'succeeded' ? { ...event, fence: state.fence } : event,
  ]),
  'a claim does not raise the fence': after((next, before, event) =>
    event.type === 'claimed' ? changing(next, { fence: before.fence }) : next,
  ),
  'a claim does not look at the lease': instead((state, event) => [
    event.type === 'claimed' && state.status === 'running' ? { ...state, leaseUntil: 0 } : state,
    event,
  ]),
  'the sweeper does not look at the lease': instead((state, event) => [
    event.type === 'lease_expired' ? { ...state, leaseUntil: 0 } : state,
    event,
  ]),
  'a heartbeat does not renew the lease': after((next, before, event) => (event.type === 'heartbeat' ? { ...next, state: before } : next)),
  'no doorbell after a death': after((next, _, event) => (event.type === 'worker_lost' ? without(next, 'ring') : next)),
  'no doorbell for a job given back': after((next, _, event) => (event.type === 'released' ? without(next, 'ring') : next)),
  'no doorbell for a job resumed': after((next, _, event) => (event.type === 'resume' ? without(next, 'ring') : next)),
  'the doorbell of an attempt that was': after((next) => ({
    ...next,
    effects: next.effects.map((effect) => (effect.type === 'ring' ? { ...effect, attempt: effect.attempt - 1 } : effect)),
  })),
  'crashes are not counted': after((next, before) => changing(next, { crashes: Math.min(next.state.crashes, before.crashes) })),
  'crashes in company are counted': instead((state, event) => [
    event.type === 'worker_lost' && state.status === 'running' ? { ...state, alone: true } : state,
    event,
  ]),
  'a checkpoint does not forgive crashes': after((next, before, event) =>
    event.type === 'epochs_committed' ? changing(next, { crashes: before.crashes, suspect: before.suspect }) : next,
  ),
  'a suspect is claimed in company': (state, event, now) => {
    const next = step(event.type === 'claimed' ? { ...state, suspect: false } : state, event, now);
    return next.state.attempt > state.attempt ? changing(next, { suspect: state.suspect }) : next;
  },
  'a claim drops the suspicion': after((next, _, event) => (event.type === 'claimed' ? changing(next, { suspect: false }) : next)),
  'a cancelled job is given back': instead((state, event) => [event.type === 'released' ? { ...state, wish: null } : state, event]),
  'a cancelled job survives its worker': instead((state, event) => [
    event.type === 'worker_lost' ? { ...state, wish: null } : state,
    event,
  ]),
  'a new attempt forgets the cancellation': after((next, _, event) => (event.type === 'heartbeat' ? changing(next, { wish: null }) : next)),
  'a job with the wrong worker waits for ever': instead((state, event) => [
    state,
    event.type === 'worker_appeared' ? { type: 'heartbeat', fence: -1, leaseMs: 0 } : event,
  ]),
  'a paused job cannot be resumed': (state, event, now) =>
    event.type === 'resume' && state.status === 'paused' ? { state, effects: [], refusal: 'conflict' } : step(state, event, now),
  'paused time counts': instead((state, event) => [event.type === 'resume' ? { ...state, pausedAt: null } : state, event]),
  'an end is not told': after((next) => ({
    ...next,
    effects: next.effects.filter((effect) => effect.type !== 'tell' || effect.event.type !== 'done'),
  })),
  'a pause is not told': after((next, _, event) => (event.type === 'pause' ? without(next, 'tell') : next)),
};
