import type { NewJobEvent } from '../event-store.ts';
import type { JobStatus, StopReason } from '../job-state.ts';

export const JOB_WISHES = ['cancel', 'stop', 'pause'] as const;

/** What an owner asks of the worker that runs a job. */
export type JobWish = (typeof JOB_WISHES)[number];

/** Where a retried job goes on. */
export type RetryFrom = 'checkpoint' | 'start';

/** Everything of a job that decides what may happen to it next. Times are milliseconds by the database's clock. */
export interface JobLife {
  readonly status: JobStatus;
  readonly stopReason: StopReason | null;
  /** How often a worker has taken it up. */
  readonly attempt: number;
  /** Raised by every claim; a worker that names an older one changes nothing. */
  readonly fence: number;
  readonly workerId: string | null;
  readonly leaseUntil: number | null;
  /** What its owner wants and its worker has not done yet. */
  readonly wish: JobWish | null;
  /** Whether it has a process to itself: only then is it to blame when that process dies. */
  readonly alone: boolean;
  /** It ran in a process that died, and has not come to a new checkpoint since: it is to run alone. */
  readonly suspect: boolean;
  /** How often its process died while it was alone in it, since its newest checkpoint. */
  readonly crashes: number;
  /** Whether there is a checkpoint to go on from. */
  readonly hasCheckpoint: boolean;
  /** False once its dataset was deleted: then there is nothing to train on any more. */
  readonly hasDataset: boolean;
  /** How often its owner let it go on after its end, and from where the last time. */
  readonly retries: number;
  readonly retriedFrom: RetryFrom | null;
  /** First claim since it was posted or retried; moved on by the time it was paused. */
  readonly startedAt: number | null;
  readonly pausedAt: number | null;
  readonly endedAt: number | null;
}

/** Why a job failed, as the API shows it. */
export interface JobFailure {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly object[];
  readonly hint: string | null;
}

/** Where workers are that would go on from the job's checkpoint to the same bits. */
export type WorkerMatch = 'here' | 'elsewhere' | 'nowhere';

/** What its owner asks. */
export type OwnerEvent = { readonly type: 'cancel' | 'stop' | 'pause' | 'resume' } | { readonly type: 'retry'; readonly from: RetryFrom };

/** What the worker that holds the lease says. */
export type WorkerEvent =
  | { readonly type: 'heartbeat'; readonly fence: number; readonly leaseMs: number }
  /** `checkpoint`: one was kept that was not there before. */
  | { readonly type: 'epochs_committed'; readonly fence: number; readonly leaseMs: number; readonly checkpoint: boolean }
  /** The worker ends, or does as the owner wished, and gives the job back. */
  | { readonly type: 'released'; readonly fence: number }
  | { readonly type: 'succeeded'; readonly fence: number; readonly stopReason: StopReason }
  | { readonly type: 'failed'; readonly fence: number; readonly stopReason: StopReason; readonly error: JobFailure }
  /** The training left at its owner's wish, with nothing to keep. */
  | { readonly type: 'left'; readonly fence: number; readonly stopReason: 'cancelled' | 'user_stop' };

/** What happens around a job. */
export type FleetEvent =
  | { readonly type: 'dataset_ready' }
  | { readonly type: 'dataset_failed'; readonly error: JobFailure }
  | {
      readonly type: 'claimed';
      readonly workerId: string;
      readonly alone: boolean;
      readonly leaseMs: number;
      readonly match: WorkerMatch;
    }
  | { readonly type: 'lease_expired' }
  /** The process is known to be dead. */
  | { readonly type: 'worker_lost'; readonly workerId: string }
  | { readonly type: 'worker_appeared' };

export type LifeEvent = OwnerEvent | WorkerEvent | FleetEvent;

/** What is to be written, in the same transaction as the state. */
export type LifeEffect =
  /** A row of the job's event log; those that name a status are its timeline. */
  | { readonly type: 'tell'; readonly event: NewJobEvent }
  /** A doorbell for this attempt, to be handed to the queue. */
  | { readonly type: 'ring'; readonly attempt: number }
  /** Doorbells not yet handed over are taken back. */
  | { readonly type: 'unring' }
  /** The worker is to look at the job's row now. */
  | { readonly type: 'signal' }
  | { readonly type: 'explain'; readonly error: JobFailure }
  /** The job has ended: of its checkpoints those stay that a retry or a fork goes on from. */
  | { readonly type: 'thin_checkpoints' }
  /** What was computed is void: `all` of it, or the epochs after the newest checkpoint. */
  | { readonly type: 'forget'; readonly what: 'all' | 'after_checkpoint' };

/** Why an event changes nothing. */
export type Refusal =
  /** The worker that says so no longer holds the job. */
  | 'lease_lost'
  /** There is nothing to claim: a living worker has it, it has ended, or it does not wait. */
  | 'not_waiting'
  /** It may only run alone in a process. */
  | 'needs_own_process'
  /** Another worker is there that would go on from its checkpoint. */
  | 'other_worker'
  /** The state does not allow it. */
  | 'conflict';

/** Where a job is after an event. Without anything to do, or refused, it is where it was; but a claim may find it lost, and ended, first. */
export interface Step {
  readonly state: JobLife;
  readonly effects: readonly LifeEffect[];
  readonly refusal: Refusal | null;
}
