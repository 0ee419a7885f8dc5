// What crosses between the main thread and a training thread: one command in, events out over a MessagePort, and two shared
// blocks of words. Failures are data: nothing is thrown across.

import type { MessagePort } from 'node:worker_threads';
import type { EpochReport } from '../engine/index.ts';
import type { RequestFault } from '../errors.ts';
import type { StateFile, TestedRates, TrainedNetwork, TrainingTask } from '../training/run-training.ts';

/** The task a thread is given. */
export interface TrainCommand {
  /** Columns over shared memory stay shared; all else is copied. */
  readonly task: TrainingTask;
  readonly port: MessagePort;
  /** Words of `CONTROL` over a SharedArrayBuffer. */
  readonly control: Int32Array;
  /** Words of `FLOW` over a SharedArrayBuffer. */
  readonly flow: Int32Array;
  /** Open files of this process, `BATCHES_AHEAD_MAX` of them: the states of batches go there in turn. */
  readonly stateFds: readonly number[];
}

/** How many batches may be under way before the trainer waits for the commits. */
export const BATCHES_AHEAD_MAX = 2;

/** Words by which the main thread holds back a trainer that runs ahead of the commits, or calls it off between epochs. */
export const FLOW = {
  /** Batches the main thread has dealt with. */
  acknowledged: 0,
  /** Not 0: leave after the epoch under way, with its state. */
  yield: 1,
  words: 2,
} as const;

/** An epoch as it crosses: numbers only. */
export type EpochRecord = Omit<EpochReport, 'state'>;

/** Epochs done since the last batch, oldest first; never empty. */
export interface EpochBatch {
  readonly type: 'epochs';
  readonly epochs: readonly EpochRecord[];
  /** The engine state after the last of them, or null when no checkpoint is due. */
  readonly state: StateFile | null;
  /** One is due, but the disk has no room for it. */
  readonly stateLost: boolean;
}

export interface TrainFinished {
  readonly type: 'finished';
  readonly trained: TrainedNetwork | TestedRates;
}

/** The trainer left after an epoch, as it was asked to; the state after it was in the last batch. */
export interface TrainYielded {
  readonly type: 'yielded';
}

export interface TrainFailed {
  readonly type: 'failed';
  /** For the log, not for the user. */
  readonly message: string;
  readonly stack: string | null;
  /** For the user, when it is the data that cannot be trained on. */
  readonly refusal: TrainRefusal | null;
  /** The code of a system call that failed; null when it was none. */
  readonly machineFault: string | null;
}

/** An `AppError` as data. */
export interface TrainRefusal {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly RequestFault[];
}

export type ThreadEvent = EpochBatch | TrainFinished | TrainYielded | TrainFailed;
