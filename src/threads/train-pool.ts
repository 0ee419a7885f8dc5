import { once } from 'node:events';
import { closeSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { CONTROL, STOP } from '../engine/index.ts';
import { openNamelessFd } from '../lib/nameless-file.ts';
import type { StateFile, TrainingTask } from '../training/run-training.ts';
import { BATCHES_AHEAD_MAX, type EpochBatch, FLOW, type ThreadEvent, type TrainCommand } from './protocol.ts';

export interface TrainPoolOptions {
  /** Trainings that run at the same time, one per thread. */
  readonly threads: number;
  /** Opens one of the files through which states come, by default a temporary one without a name; it is closed with its run. */
  readonly openStateFile?: () => number;
}

/** A batch as it arrives: its state can be read until the next event is taken. */
export interface ArrivedEpochs extends Omit<EpochBatch, 'state'> {
  readonly state: ArrivedState | null;
}

export interface ArrivedState {
  readonly bytes: number;
  /** From the beginning, each time. A piece is to be read before the next one is asked for: they share their memory. */
  pieces(): AsyncGenerator<Uint8Array>;
}

export type TrainEvent = ArrivedEpochs | Exclude<ThreadEvent, EpochBatch>;

/** One training under way in a thread. */
export interface TrainRun {
  /**
   * What happens, in order; ends after `finished`, `yielded` or `failed`. Taking the next event says that the one before is dealt
   * with: the trainer runs at most two batches of epochs ahead. A thread that dies or is terminated ends it with `failed`.
   */
  readonly events: AsyncGenerator<TrainEvent, void, void>;
  /** Updates done since the training began on this thread. */
  stepsDone(): number;
  /** Asks the trainer to leave before its next step. */
  abandon(): void;
  /** Asks the trainer to leave after the epoch under way, with its state. */
  yieldSoon(): void;
  /** Asks the trainer to make a result of what was learned until now. Changes nothing once it was told to leave. */
  conclude(): void;
  /** Ends the thread at once, whatever it does. */
  terminate(): void;
}

export interface TrainPool {
  run(task: TrainingTask): TrainRun;
  close(): Promise<void>;
}

/** Threads that train. The first is started now, so that a job does not wait for one; the others at their first job. All stay. */
export function createTrainPool({ threads, openStateFile = openNamelessFd }: TrainPoolOptions): TrainPool {
  const pool = new Piscina<TrainCommand, void>({
    filename: new URL('../../workers/train-thread.ts', import.meta.url).href,
    minThreads: 1,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    // Ending a task ends its thread: a thread-mate would die with it.
    concurrentTasksPerWorker: 1,
  });
  return {
    run: (task) => startRun(pool, task, Array.from({ length: BATCHES_AHEAD_MAX }, openStateFile)),
    close: () => pool.destroy(),
  };
}

function startRun(pool: Piscina<TrainCommand, void>, task: TrainingTask, stateFds: readonly number[]): TrainRun {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL.words * Int32Array.BYTES_PER_ELEMENT));
  const flow = new Int32Array(new SharedArrayBuffer(FLOW.words * Int32Array.BYTES_PER_ELEMENT));
  const { port1, port2 } = new MessageChannel();
  const ending = new AbortController();
  const command: TrainCommand = { task, port: port2, control, flow, stateFds };
  const done = pool.run(command, { transferList: [port2], signal: ending.signal });
  return {
    events: threadEvents(port1, done, command),
    stepsDone: () => Atomics.load(control, CONTROL.steps),
    abandon: () => {
      Atomics.store(control, CONTROL.stop, STOP.abandon);
      Atomics.notify(flow, FLOW.acknowledged);
    },
    yieldSoon: () => Atomics.store(flow, FLOW.yield, 1),
    conclude: () => {
      Atomics.compareExchange(control, CONTROL.stop, STOP.none, STOP.conclude);
      Atomics.notify(flow, FLOW.acknowledged);
    },
    terminate: () => ending.abort(),
  };
}

async function* threadEvents(
  port: MessagePort,
  done: Promise<void>,
  { flow, stateFds }: TrainCommand,
): AsyncGenerator<TrainEvent, void, void> {
  const inbox = openInbox(port, done);
  try {
    for (;;) {
      const event = await inbox.next();
      yield event.type === 'epochs' ? { ...event, state: event.state && arrived(event.state) } : event;
      if (event.type !== 'epochs') break;
      Atomics.add(flow, FLOW.acknowledged, 1);
      Atomics.notify(flow, FLOW.acknowledged);
    }
    // The thread is free again only when its task has ended; the next run must not find it busy.
    await done.catch(() => undefined);
  } finally {
    port.close();
    stateFds.forEach(closeSync);
  }
}

const PIECE_BYTES = 1024 * 1024;
const readPiece = promisify(read);

function arrived({ fd, bytes }: StateFile): ArrivedState {
  return {
    bytes,
    async *pieces() {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytes));
      for (let at = 0; at < bytes; ) {
        const { bytesRead } = await readPiece(fd, piece, 0, Math.min(piece.length, bytes - at), at);
        if (bytesRead === 0) throw new Error(`the state ends ${bytes - at} bytes too soon`);
        yield piece.subarray(0, bytesRead);
        at += bytesRead;
      }
    },
  };
}

/** Events in order of arrival, followed by `failed` should the thread end without having said how. */
function openInbox(port: MessagePort, done: Promise<void>): { next(): Promise<ThreadEvent> } {
  const arrived: ThreadEvent[] = [];
  let wake = (): void => {};
  let ended: ThreadEvent | null = null;
  port.on('message', (event: ThreadEvent) => {
    arrived.push(event);
    wake();
  });
  const closed = once(port, 'close');
  const end = async (error: unknown): Promise<void> => {
    // The last messages may still be on their way when the task is over: its port closes after them. One that failed may
    // never have reached a thread, and nobody else would close its port.
    if (error !== null) port.close();
    await closed;
    const { message, stack } = error instanceof Error ? error : new Error('the thread ended without a result');
    ended = { type: 'failed', message, stack: stack ?? null, refusal: null, machineFault: null };
    wake();
  };
  done.then(() => end(null), end).catch(() => undefined);
  return {
    next: async () => {
      for (;;) {
        const event = arrived.shift() ?? ended;
        if (event !== null && event !== undefined) return event;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
