// A service in small: an API, a relay, a sweeper, a queue that loses and repeats what it is given, and workers that die, freeze
// and come back. The database is a map of pure states; the clock is a number. What happens is a list of moves, so that a run can
// be replayed and shortened.

import { isTerminal, isWaiting } from '../../../src/jobs/job-state.ts';
import { CRASHES_MAX } from '../../../src/jobs/lifecycle/fleet-steps.ts';
import type { JobLife, LifeEvent, OwnerEvent } from '../../../src/jobs/lifecycle/job-life.ts';
import { submitted } from '../../../src/jobs/lifecycle/step.ts';
import { brokenLaw, type StepFunction, type Transition } from './laws.ts';

export const JOBS = 3;
const WORKERS = 3;
const SLOTS = 2;
const EPOCHS = 2;
const LEASE_MS = 15_000;
/** What may come of a worker's silence. */
const LOSSES: readonly string[] = ['lease_expired', 'worker_lost', 'claimed'];
const DIVERGED = { code: 'divergence', detail: 'The loss is not finite.', errors: [], hint: null };
/** Rounds without faults in which everything must have ended. */
const CALM_ROUNDS = 60;

export const MOVES = [
  ...['post', 'relay', 'relay', 'relay twice', 'deliver', 'deliver', 'deliver', 'work', 'work', 'work', 'beat', 'beat'],
  ...['lose messages', 'repeat message', 'delay message', 'sweep', 'crash', 'freeze', 'give back', 'diverge', 'wait', 'wait long'],
  ...['cancel', 'stop', 'pause', 'resume', 'retry'],
] as const;

export interface Move {
  readonly what: (typeof MOVES)[number];
  readonly whom: number;
}

/** A job a worker believes it holds. */
interface Run {
  readonly job: number;
  readonly fence: number;
  readonly alone: boolean;
  epoch: number;
}

interface Worker {
  id: string;
  frozen: boolean;
  runs: Run[];
}

/** A broken promise, with what led to it. */
export class Broken extends Error {}

export class World {
  readonly #steps: { readonly job: number; readonly transition: Transition }[] = [];
  readonly #step: StepFunction;
  readonly #jobs: JobLife[] = [];
  /** How often each job was lost while it was alone in its process. */
  readonly #deaths: number[] = [];
  /** Epochs up to the newest checkpoint of each job. */
  readonly #kept: number[] = [];
  readonly #workers: Worker[];
  /** The first job kills the process it runs in, if it is poison. */
  readonly #isPoisoned: boolean;
  #outbox: number[] = [];
  #queue: number[] = [];
  #processes = 0;
  #now = 1_000_000;

  constructor(step: StepFunction, { isPoisoned }: { isPoisoned: boolean }) {
    this.#step = step;
    this.#isPoisoned = isPoisoned;
    this.#workers = Array.from({ length: WORKERS }, () => this.#started());
  }

  /** What happened to the jobs, in words. */
  get trace(): string[] {
    return this.#steps.map(
      ({ job, transition: { before, event, now, after } }) =>
        `${now} job ${job} ${JSON.stringify(event)}: ${before.status} → ${after.refusal ?? after.state.status}`,
    );
  }

  /** Does the moves, then lets the service run without faults: every job must come to its end. */
  run(moves: readonly Move[]): void {
    for (const move of moves) this.#do(move);
    this.#calmDown();
  }

  #started(): Worker {
    this.#processes += 1;
    return { id: `wrk_${this.#processes}`, frozen: false, runs: [] };
  }

  #do({ what, whom }: Move): void {
    const worker = this.#workers[whom % WORKERS];
    if (worker !== undefined) this.#does[what](worker, whom);
  }

  readonly #does: { readonly [What in Move['what']]: (worker: Worker, whom: number) => void } = {
    post: () => this.#post(),
    relay: () => this.#relay(),
    // Its process ends after the queue has the messages and before the outbox is cleared.
    'relay twice': () => {
      this.#queue.push(...this.#outbox);
      this.#relay();
    },
    deliver: (worker) => this.#deliver(worker),
    work: (worker) => this.#work(worker),
    beat: (worker) => this.#beat(worker),
    'lose messages': () => {
      this.#queue = [];
    },
    'repeat message': () => {
      this.#queue.push(...this.#queue.slice(0, 1));
    },
    'delay message': () => {
      this.#queue.push(...this.#queue.splice(0, 1));
    },
    sweep: () => this.#sweep(),
    crash: (worker) => this.#crash(worker),
    freeze: (worker) => {
      worker.frozen = !worker.frozen;
    },
    'give back': (worker) => this.#giveBack(worker),
    diverge: (worker) => this.#diverge(worker),
    wait: () => {
      this.#now += 1000;
    },
    'wait long': () => {
      this.#now += 2 * LEASE_MS;
    },
    cancel: (_, whom) => this.#ask(whom, { type: 'cancel' }),
    stop: (_, whom) => this.#ask(whom, { type: 'stop' }),
    pause: (_, whom) => this.#ask(whom, { type: 'pause' }),
    resume: (_, whom) => this.#ask(whom, { type: 'resume' }),
    retry: (_, whom) => this.#ask(whom, { type: 'retry', from: whom % 2 === 0 ? 'checkpoint' : 'start' }),
  };

  #life(job: number): JobLife {
    const life = this.#jobs[job];
    if (life === undefined) throw new Error(`there is no job ${job}`);
    return life;
  }

  /** A transaction: the row is held, moved and written, with its doorbells. */
  #advance(job: number, event: LifeEvent): boolean {
    const before = this.#life(job);
    const after = this.#step(before, event, this.#now);
    const transition = { before, event, now: this.#now, after };
    this.#steps.push({ job, transition });
    const broken = brokenLaw(this.#step, transition);
    if (broken !== null) throw new Broken(broken);
    this.#jobs[job] = after.state;
    if (!after.state.hasCheckpoint) this.#kept[job] = 0;
    for (const effect of after.effects) {
      if (effect.type === 'ring') this.#outbox.push(job);
      if (effect.type === 'unring') this.#outbox = this.#outbox.filter((rung) => rung !== job);
    }
    this.#judgeDeaths(job, transition);
    return after.refusal === null;
  }

  /** Nobody is ended for the deaths of others: only being lost while alone counts, however it came about. */
  #judgeDeaths(job: number, { before, event, after: { state } }: Transition): void {
    const deaths = (this.#deaths[job] ?? 0) + (before.alone && LOSSES.includes(event.type) && state.workerId !== before.workerId ? 1 : 0);
    this.#deaths[job] = deaths;
    if (state.stopReason === 'worker_lost_limit' && deaths < CRASHES_MAX) throw new Broken('a job is ended for the deaths of others');
  }

  #post(): void {
    if (this.#jobs.length === JOBS) return;
    this.#jobs.push(submitted({ datasetReady: true, hasCheckpoint: false }).state);
    this.#kept.push(0);
    this.#outbox.push(this.#jobs.length - 1);
  }

  #relay(): void {
    this.#queue.push(...this.#outbox);
    this.#outbox = [];
  }

  #sweep(): void {
    for (const job of this.#jobs.keys()) this.#advance(job, { type: 'lease_expired' });
    const waiting = this.#jobs.flatMap(({ status }, job) => (isWaiting(status) && !this.#outbox.includes(job) ? [job] : []));
    // Which message is missing is not known, only that one is.
    if (waiting.length > this.#queue.length) this.#outbox.push(...waiting);
  }

  #deliver(worker: Worker): void {
    const job = worker.frozen || worker.runs.filter(({ alone }) => !alone).length === SLOTS ? undefined : this.#queue.shift();
    if (job === undefined) return;
    // A job that must not be claimed in company is claimed again by a process of its own.
    for (const alone of [false, true]) {
      const { fence, attempt } = this.#life(job);
      const claim = {
        type: 'claimed',
        workerId: alone ? `${worker.id}-${job}-${attempt}` : worker.id,
        alone,
        leaseMs: LEASE_MS,
        match: 'here',
      } as const;
      this.#advance(job, claim);
      const claimed = this.#life(job);
      if (claimed.fence > fence) {
        worker.runs.push({ job, fence: claimed.fence, alone, epoch: this.#kept[job] ?? 0 });
        return;
      }
    }
  }

  /** The next epoch of each job, and the end after the last one. */
  #work(worker: Worker): void {
    if (worker.frozen) return;
    for (const run of [...worker.runs]) {
      // A death on the way took the others with it.
      if (!worker.runs.includes(run)) continue;
      if (this.#isPoisoned && run.job === 0) this.#die(worker, run);
      else if (!this.#train(run)) drop(worker, run);
    }
  }

  /** Whether there is more to do. */
  #train(run: Run): boolean {
    run.epoch += 1;
    const { job, fence, epoch } = run;
    if (epoch >= EPOCHS) {
      this.#advance(job, { type: 'succeeded', fence, stopReason: 'completed' });
      return false;
    }
    const kept = this.#kept[job] ?? 0;
    const isHeld = this.#advance(job, { type: 'epochs_committed', fence, leaseMs: LEASE_MS, checkpoint: epoch > kept });
    if (isHeld) this.#kept[job] = Math.max(kept, epoch);
    return isHeld;
  }

  /** Leases are renewed, and wishes heard. */
  #beat(worker: Worker): void {
    if (worker.frozen) return;
    for (const run of [...worker.runs]) {
      const { job, fence } = run;
      const isHeld = this.#advance(job, { type: 'heartbeat', fence, leaseMs: LEASE_MS });
      const { wish, hasCheckpoint } = this.#life(job);
      if (isHeld && wish === null) continue;
      drop(worker, run);
      if (!isHeld) continue;
      if (wish === 'cancel') this.#advance(job, { type: 'left', fence, stopReason: 'cancelled' });
      else if (wish === 'pause') this.#advance(job, { type: 'released', fence });
      else if (hasCheckpoint) this.#advance(job, { type: 'succeeded', fence, stopReason: 'user_stop' });
      else this.#advance(job, { type: 'left', fence, stopReason: 'user_stop' });
    }
  }

  /** The process a run is in ends: the worker with all its company, or the run's own. */
  #die(worker: Worker, run: Run): void {
    if (run.alone) {
      drop(worker, run);
      this.#mourn(run.job, run.fence);
    } else {
      this.#crash(worker);
    }
  }

  #crash(worker: Worker): void {
    const { runs } = worker;
    Object.assign(worker, this.#started());
    for (const { job, fence } of runs) this.#mourn(job, fence);
  }

  /** Whoever started the process knows that it is dead. */
  #mourn(job: number, fence: number): void {
    const { workerId, fence: newest } = this.#life(job);
    if (workerId !== null && newest === fence) this.#advance(job, { type: 'worker_lost', workerId });
  }

  #giveBack(worker: Worker): void {
    for (const { job, fence } of worker.runs.splice(0)) this.#advance(job, { type: 'released', fence });
  }

  #diverge(worker: Worker): void {
    const run = worker.frozen ? undefined : worker.runs.shift();
    if (run !== undefined) this.#advance(run.job, { type: 'failed', fence: run.fence, stopReason: 'divergence', error: DIVERGED });
  }

  #ask(whom: number, event: OwnerEvent): void {
    if (this.#jobs.length > 0) this.#advance(whom % this.#jobs.length, event);
  }

  #resumeAll(): void {
    for (const [job, { status }] of this.#jobs.entries()) if (status === 'paused') this.#advance(job, { type: 'resume' });
  }

  #calmDown(): void {
    for (const worker of this.#workers) worker.frozen = false;
    this.#resumeAll();
    for (let round = 0; round < CALM_ROUNDS && !this.#jobs.every(({ status }) => isTerminal(status)); round++) {
      this.#now += 2000;
      this.#sweep();
      this.#relay();
      for (const worker of this.#workers) {
        this.#beat(worker);
        this.#deliver(worker);
        this.#work(worker);
      }
      this.#resumeAll();
    }
    const open = this.#jobs.findIndex(({ status }) => !isTerminal(status));
    if (open >= 0) throw new Broken(`job ${open} never ends (${this.#life(open).status})`);
    if (this.#isPoisoned && this.#jobs[0]?.status === 'succeeded' && this.#jobs[0].stopReason === 'completed')
      throw new Broken('poison succeeded');
    if (this.#jobs.some(({ crashes }) => crashes > CRASHES_MAX)) throw new Broken('more crashes than allowed');
  }
}

function drop(worker: Worker, run: Run): void {
  worker.runs = worker.runs.filter((other) => other !== run);
}
