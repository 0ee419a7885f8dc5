// What crosses between the main thread and a training thread: one command in, events out over a MessagePort, and two shared
// blocks of words. Failures are data: nothing is thrown across.

import type { MessagePort } from 'node:worker_threads';
import type { EpochReport, TrainRequest, TrainResult } from '../engine/index.ts';

/** The task a thread is given. */
export interface TrainCommand {
  readonly request: Omit<TrainRequest, 'control' | 'now'>;
  /** A checkpoint is wanted after every so many epochs. */
  readonly checkpointEveryEpochs: number;
  readonly port: MessagePort;
  /** Words of `CONTROL` over a SharedArrayBuffer. */
  readonly control: Int32Array;
  /** Words of `FLOW` over a SharedArrayBuffer. */
  readonly flow: Int32Array;
}

/** Words by which the main thread holds back a trainer that runs ahead of the commits. */
export const FLOW = {
  /** Batches the main thread has dealt with. */
  acknowledged: 0,
  words: 1,
} as const;

/** An epoch as it crosses: numbers only. */
export type EpochRecord = Omit<EpochReport, 'state'>;

/** Epochs done since the last batch, oldest first; never empty. */
export interface EpochBatch {
  readonly type: 'epochs';
  readonly epochs: readonly EpochRecord[];
  /** The engine state after the last of them, or null when no checkpoint is due. */
  readonly state: Uint8Array | null;
}

export interface TrainFinished {
  readonly type: 'finished';
  readonly result: TrainResult;
}

export interface TrainFailed {
  readonly type: 'failed';
  /** For the log, not for the user. */
  readonly message: string;
  readonly stack: string | null;
}

export type ThreadEvent = EpochBatch | TrainFinished | TrainFailed;
