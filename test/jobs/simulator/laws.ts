// What must hold at every step of a job's life, said without looking at how `step` does it.

import { isTerminal, isWaiting, type JobStatus } from '../../../src/jobs/job-state.ts';
import { CRASHES_MAX } from '../../../src/jobs/lifecycle/fleet-steps.ts';
import type { JobLife, LifeEvent, Step } from '../../../src/jobs/lifecycle/job-life.ts';

export type StepFunction = (state: JobLife, event: LifeEvent, now: number) => Step;

export interface Transition {
  readonly before: JobLife;
  readonly event: LifeEvent;
  readonly now: number;
  readonly after: Step;
}

/** Which state may follow which in a timeline. */
const FOLLOWS: { readonly [From in JobStatus]: readonly JobStatus[] } = {
  validating: ['queued', 'failed', 'cancelled'],
  queued: ['running', 'paused', 'waiting_for_worker', 'cancelled'],
  running: ['queued', 'interrupted', 'paused', 'succeeded', 'failed', 'cancelled'],
  interrupted: ['running', 'paused', 'waiting_for_worker', 'failed', 'cancelled'],
  waiting_for_worker: ['queued', 'paused', 'cancelled'],
  paused: ['queued', 'cancelled'],
  succeeded: [],
  failed: ['queued'],
  cancelled: ['queued'],
};

type Law = (transition: Transition) => string | null;

const broken = (holds: boolean, what: string): string | null => (holds ? null : what);

/** Statuses told to the job's followers, in order. */
function told({ effects }: Step): JobStatus[] {
  return effects.flatMap((effect) => {
    if (effect.type !== 'tell') return [];
    if (effect.event.type === 'interrupted') return ['interrupted'];
    return effect.event.type === 'status' ? [effect.event.data.status] : [];
  });
}

function isHeld({ status, leaseUntil }: JobLife, now: number): boolean {
  return status === 'running' && leaseUntil !== null && leaseUntil >= now;
}

const WORKER_EVENTS: readonly string[] = ['heartbeat', 'epochs_committed', 'released', 'succeeded', 'failed', 'left'];

function isStale({ before, event }: Transition): boolean {
  return 'fence' in event && WORKER_EVENTS.includes(event.type) && (before.status !== 'running' || event.fence !== before.fence);
}

/** Single steps: each law names what it forbids. */
const LAWS: Readonly<Record<string, Law>> = {
  'an end changes': ({ before, event, after: { state } }) => {
    if (!isTerminal(before.status) || (state.status === before.status && state.stopReason === before.stopReason)) return null;
    const isRetried = event.type === 'retry' && before.status !== 'succeeded' && state.retries === before.retries + 1;
    return broken(isRetried && state.status === 'queued', `${before.status} became ${state.status}`);
  },
  'the fence goes back or stands still at a claim': ({ before, after: { state } }) =>
    broken(
      state.fence === before.fence + (state.attempt - before.attempt) && state.fence >= before.fence,
      `${before.fence} → ${state.fence}`,
    ),
  'a worker without the lease changes something': (transition) =>
    broken(
      !isStale(transition) || (transition.after.state === transition.before && transition.after.effects.length === 0),
      `${transition.event.type} with an old fence`,
    ),
  'a claim takes the job of a living worker': ({ before, event, now, after: { state } }) =>
    broken(event.type !== 'claimed' || !isHeld(before, now) || state === before, `${state.workerId} took it from ${before.workerId}`),
  'a live lease is taken away': ({ before, event, now, after: { state } }) =>
    broken(event.type !== 'lease_expired' || !isHeld(before, now) || state === before, 'before it ran out'),
  'the holder of a job is not clear': ({ after: { state } }) =>
    broken((state.status === 'running') === (state.workerId !== null && state.leaseUntil !== null), `${state.status}, ${state.workerId}`),
  'what the holder says does not keep its lease': (transition) => {
    const { event, now, after } = transition;
    if ((event.type !== 'heartbeat' && event.type !== 'epochs_committed') || isStale(transition)) return null;
    return broken(after.state.leaseUntil === now + event.leaseMs, event.type);
  },
  'a job waits without a doorbell': ({ before, after: { state, effects } }) =>
    broken(
      !isWaiting(state.status) ||
        state.status === before.status ||
        effects.some((e) => e.type === 'ring' && e.attempt === state.attempt + 1),
      `${before.status} → ${state.status}`,
    ),
  'the timeline is not true': ({ before, after }) => {
    const statuses = told(after);
    if (after.state.status !== before.status && statuses.at(-1) !== after.state.status) return `${after.state.status} was not told`;
    const path = [before.status, ...statuses];
    const wrong = path.find((status, at) => at > 0 && !FOLLOWS[path[at - 1] ?? status].includes(status));
    return wrong === undefined ? null : path.join(' → ');
  },
  'an end is not told last': ({ before, after: { state, effects } }) => {
    if (!isTerminal(state.status) || isTerminal(before.status)) return null;
    const last = effects.flatMap((effect) => (effect.type === 'tell' ? [effect.event.type] : [])).at(-1);
    return broken(last === 'done' && state.stopReason !== null && state.endedAt !== null, `${last}, ${state.stopReason}`);
  },
  'a suspect runs in company': ({ after: { state } }) => broken(state.status !== 'running' || !state.suspect || state.alone, 'not alone'),
  'a suspicion is dropped': ({ before, event, after: { state } }) =>
    broken(!before.suspect || state.suspect || (event.type === 'epochs_committed' && event.checkpoint), `by ${event.type}`),
  'a crash is blamed on the wrong job': ({ before, after: { state } }) =>
    broken(
      state.crashes <= before.crashes || (before.alone && state.crashes === before.crashes + 1),
      `${before.crashes} → ${state.crashes}`,
    ),
  'the crash budget does not count': ({ before, event, after: { state } }) => {
    if (state.stopReason === 'worker_lost_limit' && !isTerminal(before.status) && state.crashes < CRASHES_MAX) return 'ended too early';
    if (!isTerminal(state.status) && state.crashes >= CRASHES_MAX) return 'goes on for ever';
    const isFurther = event.type === 'epochs_committed' && event.checkpoint && state !== before;
    return broken(!isFurther || (state.crashes === 0 && !state.suspect), 'progress is not forgiven');
  },
  'a death is not counted': ({ before, event, after: { state } }) => {
    const isLost = event.type === 'worker_lost' && before.status === 'running' && event.workerId === before.workerId;
    if (!isLost || before.wish === 'cancel') return null;
    return broken(state.suspect && state.crashes === before.crashes + (before.alone ? 1 : 0), `${before.crashes} → ${state.crashes}`);
  },
  'a wish is forgotten': ({ before, event, after: { state } }) => {
    if (before.wish !== 'cancel' || isTerminal(state.status)) return null;
    return broken(state.wish === 'cancel' && state.status === 'running', `cancel, after ${event.type}`);
  },
  'a refusal changes something': ({ before, event, after }) =>
    broken(after.refusal === null || after.state === before || event.type === 'claimed', `${event.type}: ${after.refusal}`),
  'the clock of its limit goes wrong': ({ before, event, now, after: { state } }) =>
    broken(
      event.type !== 'resume' ||
        before.pausedAt === null ||
        before.startedAt === null ||
        state.startedAt === before.startedAt + (now - before.pausedAt),
      'paused time counts',
    ),
};

const NAMED_LAWS = Object.entries(LAWS);

/** What a worker, an owner and the queue can always still do for a job that has not ended: see it to an end. */
function canStillEnd(step: StepFunction, state: JobLife, now: number): boolean {
  return endsCancelled(step, state, now) && (state.wish !== null || endsTrained(step, state, now));
}

function endsCancelled(step: StepFunction, state: JobLife, now: number): boolean {
  const asked = step(state, { type: 'cancel' }, now).state;
  if (isTerminal(asked.status)) return true;
  const left = step(asked, { type: 'left', fence: asked.fence, stopReason: 'cancelled' }, now).state;
  const released = step(asked, { type: 'released', fence: asked.fence }, now).state;
  const lost = step(asked, { type: 'lease_expired' }, (asked.leaseUntil ?? now) + 1).state;
  return [left, released, lost].every(({ status }) => status === 'cancelled');
}

function endsTrained(step: StepFunction, state: JobLife, now: number): boolean {
  let life = state;
  for (const event of [{ type: 'resume' }, { type: 'dataset_ready' }, { type: 'worker_appeared' }] as const)
    life = step(life, event, now).state;
  if (life.status !== 'running') {
    life = step(life, { type: 'claimed', workerId: 'wrk_last', alone: true, leaseMs: 1, match: 'here' }, now).state;
  }
  return step(life, { type: 'succeeded', fence: life.fence, stopReason: 'completed' }, now).state.status === 'succeeded';
}

/** The first law a step breaks, in words; null when all hold. */
export function brokenLaw(step: StepFunction, transition: Transition): string | null {
  for (const [name, law] of NAMED_LAWS) {
    const how = law(transition);
    if (how !== null) return `${name} (${how})`;
  }
  const { state } = transition.after;
  if (state === transition.before || isTerminal(state.status)) return null;
  if (!canStillEnd(step, state, transition.now)) return `a job cannot end (${state.status}, wish ${state.wish})`;
  return null;
}
