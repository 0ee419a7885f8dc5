// One job and any order of events, also such as no service would send: late, twice, with old fences, at any time.

import type { JobLife, LifeEvent, WorkerMatch } from '../../../src/jobs/lifecycle/job-life.ts';
import { submitted } from '../../../src/jobs/lifecycle/step.ts';
import { brokenLaw, type StepFunction } from './laws.ts';
import { pick, type Random } from './random.ts';

const LEASE_MS = 15_000;
const WORKERS = ['wrk_A', 'wrk_B', 'wrk_C'];
const MATCHES: readonly WorkerMatch[] = ['here', 'here', 'here', 'here', 'elsewhere', 'nowhere'];
const FAILURE = { code: 'internal', detail: 'It broke.', errors: [], hint: null };

const KINDS = [
  ...['dataset_ready', 'dataset_failed', 'claimed', 'claimed', 'claimed', 'heartbeat', 'epochs_committed', 'epochs_committed'],
  ...['lease_expired', 'worker_lost', 'worker_lost', 'worker_appeared', 'released', 'succeeded', 'failed', 'left'],
  ...['cancel', 'stop', 'pause', 'resume', 'retry'],
] as const;

/** An event before it is known what fence and worker the job then has, so that a shortened list still makes sense. */
export interface Move {
  readonly kind: (typeof KINDS)[number];
  /** How many fences behind the newest a worker is. */
  readonly behind: number;
  readonly choice: number;
  readonly afterMs: number;
}

export function randomMoves(random: Random, count: number): Move[] {
  return Array.from({ length: count }, () => ({
    kind: pick(random, KINDS),
    behind: random.below(8) === 0 ? 1 : 0,
    choice: random.below(60),
    afterMs: random.below(12) === 0 ? 2 * LEASE_MS : random.below(2000),
  }));
}

/** Runs the moves until a law is broken; says which one, after which trace. */
export function runMoves(
  step: StepFunction,
  moves: readonly Move[],
): { readonly broken: string | null; readonly trace: readonly string[] } {
  const trace: string[] = [];
  let now = 1_000_000;
  let state = submitted({ datasetReady: moves.length % 5 !== 0, hasCheckpoint: moves.length % 7 === 0 }).state;
  for (const move of moves) {
    now += move.afterMs;
    const event = eventOf(state, move);
    const after = step(Object.freeze(state), event, now);
    trace.push(`${now} ${JSON.stringify(event)}: ${state.status} → ${after.refusal ?? after.state.status}`);
    const broken = brokenLaw(step, { before: state, event, now, after });
    if (broken !== null) return { broken, trace };
    state = after.state;
  }
  return { broken: null, trace };
}

function eventOf(state: JobLife, { kind, behind, choice }: Move): LifeEvent {
  const fence = state.fence - behind;
  switch (kind) {
    case 'claimed':
      return { type: kind, workerId: chosen(WORKERS, choice), alone: choice % 2 === 0, leaseMs: LEASE_MS, match: chosen(MATCHES, choice) };
    case 'worker_lost':
      return { type: kind, workerId: behind > 0 ? 'wrk_Z' : (state.workerId ?? 'wrk_A') };
    case 'dataset_failed':
      return { type: kind, error: FAILURE };
    case 'heartbeat':
      return { type: kind, fence, leaseMs: LEASE_MS };
    case 'epochs_committed':
      return { type: kind, fence, leaseMs: LEASE_MS, checkpoint: choice % 3 === 0 };
    case 'succeeded':
      return { type: kind, fence, stopReason: 'completed' };
    case 'failed':
      return { type: kind, fence, stopReason: choice % 2 === 0 ? 'divergence' : 'determinism_violation', error: FAILURE };
    case 'left':
      return { type: kind, fence, stopReason: choice % 2 === 0 ? 'cancelled' : 'user_stop' };
    case 'released':
      return { type: kind, fence };
    case 'retry':
      return { type: kind, from: choice % 2 === 0 ? 'checkpoint' : 'start' };
    default:
      return { type: kind };
  }
}

function chosen<T>(values: readonly T[], choice: number): T {
  const value = values[choice % values.length];
  if (value === undefined) throw new Error('nothing to choose from');
  return value;
}
