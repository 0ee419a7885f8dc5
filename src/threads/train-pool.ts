import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { CONTROL, type TrainRequest } from '../engine/index.ts';
import { FLOW, type ThreadEvent, type TrainCommand } from './protocol.ts';

export interface TrainPoolOptions {
  /** Trainings that run at the same time, one per thread. */
  readonly threads: number;
}

export interface TrainRunOptions {
  readonly request: TrainCommand['request'];
  readonly checkpointEveryEpochs: number;
}

/** One training under way in a thread. */
export interface TrainRun {
  /**
   * What happens, in order; ends after `finished` or `failed`. Taking the next event says that the one before is dealt
   * with: the trainer runs at most two batches of epochs ahead. A thread that dies or is terminated ends it with `failed`.
   */
  readonly events: AsyncGenerator<ThreadEvent, void, void>;
  /** Updates done since the training began on this thread. */
  stepsDone(): number;
  /** Asks the trainer to stop before its next step. */
  stop(): void;
  /** Ends the thread at once, whatever it does. */
  terminate(): void;
}

export interface TrainPool {
  run(options: TrainRunOptions): TrainRun;
  close(): Promise<void>;
}

/** Threads that train. All of them are started now, so that a job does not wait for one. */
export function createTrainPool({ threads }: TrainPoolOptions): TrainPool {
  const pool = new Piscina<TrainCommand, void>({
    filename: new URL('../../workers/train-thread.ts', import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    // Ending a task ends its thread: a thread-mate would die with it.
    concurrentTasksPerWorker: 1,
  });
  return {
    run: (options) => startRun(pool, options),
    close: () => pool.destroy(),
  };
}

function startRun(pool: Piscina<TrainCommand, void>, { request, checkpointEveryEpochs }: TrainRunOptions): TrainRun {
  const control = new Int32Array(new SharedArrayBuffer(CONTROL.words * Int32Array.BYTES_PER_ELEMENT));
  const flow = new Int32Array(new SharedArrayBuffer(FLOW.words * Int32Array.BYTES_PER_ELEMENT));
  const { port1, port2 } = new MessageChannel();
  const ending = new AbortController();
  const command: TrainCommand = { request, checkpointEveryEpochs, port: port2, control, flow };
  const task = pool.run(command, { transferList: [port2, ...dataBuffers(request)], signal: ending.signal });
  return {
    events: threadEvents(port1, task, flow),
    stepsDone: () => Atomics.load(control, CONTROL.steps),
    stop: () => {
      Atomics.store(control, CONTROL.stop, 1);
      Atomics.notify(flow, FLOW.acknowledged);
    },
    terminate: () => ending.abort(),
  };
}

async function* threadEvents(port: MessagePort, task: Promise<void>, flow: Int32Array): AsyncGenerator<ThreadEvent, void, void> {
  const inbox = openInbox(port, task);
  try {
    for (;;) {
      const event = await inbox.next();
      yield event;
      if (event.type !== 'epochs') break;
      Atomics.add(flow, FLOW.acknowledged, 1);
      Atomics.notify(flow, FLOW.acknowledged);
    }
    // The thread is free again only when its task has ended; the next run must not find it busy.
    await task.catch(() => undefined);
  } finally {
    port.close();
  }
}

/** Events in order of arrival, followed by `failed` should the thread end without having said how. */
function openInbox(port: MessagePort, task: Promise<void>): { next(): Promise<ThreadEvent> } {
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
    ended = { type: 'failed', message, stack: stack ?? null };
    wake();
  };
  task.then(() => end(null), end).catch(() => undefined);
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

/** The encoded data moves into the thread instead of being copied; shared memory stays shared. */
function dataBuffers({ data, split }: Pick<TrainRequest, 'data' | 'split'>): ArrayBuffer[] {
  const views = [data.features, data.targets, split.train, split.validation, split.test];
  const buffers = new Set(views.map((view) => view.buffer).filter((buffer) => buffer instanceof ArrayBuffer));
  return [...buffers];
}
