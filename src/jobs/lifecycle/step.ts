// The whole life of a job as one pure function. The stores hold the job's row, ask `step`, and write what it says; so every
// order of events that can come about in the database can also be tried without one: `test/jobs/lifecycle.property.test.ts`.

import { changed, tellStatus } from './changes.ts';
import { stepFleet } from './fleet-steps.ts';
import type { JobLife, LifeEvent, OwnerEvent, Step } from './job-life.ts';
import { stepOwner } from './owner-steps.ts';
import { stepWorker } from './worker-steps.ts';

/** What becomes of a job at an event; `now` is milliseconds by the database's clock. */
export function step(state: JobLife, event: LifeEvent, now: number): Step {
  switch (event.type) {
    case 'cancel':
    case 'stop':
    case 'pause':
    case 'resume':
    case 'retry':
      return stepOwner(state, event, now);
    case 'heartbeat':
    case 'epochs_committed':
    case 'released':
    case 'succeeded':
    case 'failed':
    case 'left':
      return stepWorker(state, event, now);
    default:
      return stepFleet(state, event, now);
  }
}

/** How a job begins. One whose dataset is still being imported waits for that; one forked has a checkpoint already. */
export function submitted({ datasetReady, hasCheckpoint }: { datasetReady: boolean; hasCheckpoint: boolean }): Step {
  const state: JobLife = { ...UNBORN, hasCheckpoint, status: datasetReady ? 'queued' : 'validating' };
  const told = tellStatus(state.status, state);
  return datasetReady ? changed(state, told, { type: 'ring', attempt: 1 }) : changed(state, told);
}

const OWNER_EVENTS: readonly OwnerEvent[] = [
  { type: 'cancel' },
  { type: 'stop' },
  { type: 'pause' },
  { type: 'resume' },
  { type: 'retry', from: 'checkpoint' },
  { type: 'retry', from: 'start' },
];

/** What an owner can ask now that would change something, as `cancel`, `retry from start`, `fork`, …. */
export function allowedVerbs(state: JobLife, now: number): string[] {
  const allowed = OWNER_EVENTS.filter((event) => isChange(state, step(state, event, now)));
  const verbs = allowed.map((event) => (event.type === 'retry' ? `retry from ${event.from}` : event.type));
  return state.hasCheckpoint ? [...verbs, 'fork'] : verbs;
}

function isChange(before: JobLife, { state, effects, refusal }: Step): boolean {
  return refusal === null && (state !== before || effects.length > 0);
}

const UNBORN: Omit<JobLife, 'status' | 'hasCheckpoint'> = {
  hasDataset: true,
  stopReason: null,
  attempt: 0,
  fence: 0,
  workerId: null,
  leaseUntil: null,
  wish: null,
  alone: false,
  suspect: false,
  crashes: 0,
  retries: 0,
  retriedFrom: null,
  startedAt: null,
  pausedAt: null,
  endedAt: null,
};
