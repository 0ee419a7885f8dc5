// Runs one training in a piscina thread. The trainer is a synchronous generator and the thread never returns to its event
// loop while it works: messages out need none, and the main thread's answers are words of shared memory.

import { closeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { CONTROL, type EpochReport } from '../src/engine/index.ts';
import { AppError } from '../src/errors.ts';
import { writeNumbers } from '../src/lib/file-numbers.ts';
import { isDiskFull, machineFault } from '../src/lib/machine-fault.ts';
import { openAgain } from '../src/lib/nameless-file.ts';
import {
  BATCHES_AHEAD_MAX,
  type EpochRecord,
  FLOW,
  type ThreadEvent,
  type TrainCommand,
  type TrainRefusal,
} from '../src/threads/protocol.ts';
import { runTraining, type StateFile } from '../src/training/run-training.ts';

/** Epochs faster than this travel together, so that a commit per epoch does not bound a small training. */
const BATCH_MS = 50;
/**
 * Unless the request says how often, states are saved no faster than this on average, 4 MB/s: a network of a million parameters trained with Adam has a checkpoint every 3 s.
 * Writing one costs about a millisecond per megabyte, so checkpoints take less than a hundredth of a training.
 */
const STATE_BYTES_PER_MS = 4000;

/** The entry piscina calls: events go to the command's port, the last one is `finished`, `yielded` or `failed`. */
export default function runCommand(command: TrainCommand): void {
  const states = stateWriter(command.stateFds);
  try {
    post(command, runEpochs(command, states));
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    post(command, { type: 'failed', message, stack: stack ?? null, refusal: refusalOf(error), machineFault: machineFault(error) });
  } finally {
    states.close();
    command.port.close();
  }
}

function refusalOf(error: unknown): TrainRefusal | null {
  return error instanceof AppError ? { code: error.code, detail: error.message, errors: error.options.errors ?? [] } : null;
}

function runEpochs(command: TrainCommand, states: StateWriter): ThreadEvent {
  const trainer = runTraining(command.task, { control: command.control, now: () => performance.now() });
  const batches = batchSender(command, states);
  for (;;) {
    const next = trainer.next();
    if (next.done === true) {
      batches.flush();
      return { type: 'finished', trained: next.value };
    }
    if (Atomics.load(command.flow, FLOW.yield) !== 0) {
      batches.addLast(next.value);
      return { type: 'yielded' };
    }
    batches.add(next.value);
  }
}

/** Collects epochs and sends them on when enough time has passed. The first one goes at once. */
function batchSender(command: TrainCommand, states: StateWriter) {
  const { every_epochs: everyEpochs, every_seconds: everySeconds } = command.task.request.training.checkpoint;
  const restAfter = (bytes: number): number =>
    everySeconds === null || everySeconds === undefined ? bytes / STATE_BYTES_PER_MS : everySeconds * 1000;
  let restMs = restAfter(0);
  let epochs: EpochRecord[] = [];
  let checkpointDue = false;
  let sent = 0;
  let lastSentAt = Number.NEGATIVE_INFINITY;
  let lastStateAt = performance.now();

  const send = (takeState: EpochReport['state'] | null): void => {
    const hasRoom = awaitRoom(command, sent);
    // Without room the file of this turn may still be read, and nobody wants a state of a training that is to stop.
    const pieces = takeState !== null && hasRoom ? takeState() : null;
    const state = pieces && states.write(sent, pieces);
    post(command, { type: 'epochs', epochs, state, stateLost: pieces !== null && state === null });
    sent += 1;
    epochs = [];
    lastSentAt = performance.now();
    if (pieces !== null) restMs = restAfter(bytesOf(pieces));
  };
  return {
    add: (report: EpochReport): void => {
      const { state, ...record } = report;
      epochs.push(record);
      checkpointDue ||= report.epoch % everyEpochs === 0;
      if (performance.now() - lastSentAt < BATCH_MS) return;
      // Only the newest report can still give its state: the trainer works in place.
      const isDue = checkpointDue && performance.now() - lastStateAt >= restMs;
      send(isDue ? state : null);
      if (!isDue) return;
      checkpointDue = false;
      lastStateAt = performance.now();
    },
    /** With its state, whether or not that is due. */
    addLast: ({ state, ...record }: EpochReport): void => {
      epochs.push(record);
      send(state);
    },
    flush: (): void => {
      if (epochs.length > 0) send(null);
    },
  };
}

interface StateWriter {
  /** Writes the state that goes with the batch of this number. Null where the disk has no room for it. */
  write(batch: number, pieces: readonly Uint8Array[]): StateFile | null;
  close(): void;
}

/** A state goes through a file, not through memory, of which a large one would need as much again as the training. */
function stateWriter(fds: readonly number[]): StateWriter {
  const own = fds.map((fd) => openAgain(fd, 'r+'));
  return {
    write: (batch, pieces) => {
      const turn = batch % fds.length;
      let at = 0;
      try {
        for (const piece of pieces) {
          writeNumbers(own[turn] ?? 0, at, piece);
          at += piece.length;
        }
      } catch (error) {
        if (isDiskFull(error)) return null;
        throw error;
      }
      return { fd: fds[turn] ?? 0, bytes: at };
    },
    close: () => own.forEach(closeSync),
  };
}

function bytesOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** Blocks until few enough batches are under way, or until the training is to stop: then there is none. */
function awaitRoom({ control, flow }: TrainCommand, sent: number): boolean {
  for (;;) {
    const acknowledged = Atomics.load(flow, FLOW.acknowledged);
    if (sent - acknowledged < BATCHES_AHEAD_MAX) return true;
    if (Atomics.load(control, CONTROL.stop) !== 0) return false;
    Atomics.wait(flow, FLOW.acknowledged, acknowledged);
  }
}

function post({ port }: TrainCommand, event: ThreadEvent): void {
  port.postMessage(event, transferables(event));
}

/** Buffers that only the event holds: they move instead of being copied. */
function transferables(event: ThreadEvent): ArrayBuffer[] {
  if (event.type !== 'finished' || 'rates' in event.trained) return [];
  return event.trained.result.weights.map(({ data }) => data.buffer).filter((buffer) => buffer instanceof ArrayBuffer);
}
