import { startLoop } from '../lib/wakeable-loop.ts';

export interface SilenceOptions {
  /** Messages nobody has taken yet. */
  readonly countWaiting: () => Promise<number>;
  /** Messages this process can deal with at a time. */
  readonly concurrency: number;
  readonly silenceMs: number;
  /** Called once: messages wait, this process is free for them, and has taken none for so long. */
  readonly onSilence: (error: Error) => void;
  readonly onError: (error: Error) => void;
}

export interface SilenceWatch {
  /** Counts a message that was taken, until it is dealt with. */
  taking(handled: Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Looks in so many equal steps: one that comes late, after the whole process stood still, is no silence. */
const STEPS = 6;

/**
 * Notices a consumer that stopped consuming without an error, as a lost wake-up or a dead connection leaves one behind. As
 * long as nothing waits, or this process has its hands full, there is nothing to notice; a store that does not answer is
 * somebody else's trouble.
 */
export function watchForSilence({ countWaiting, concurrency, silenceMs, onSilence, onError }: SilenceOptions): SilenceWatch {
  let taken = 0;
  let active = 0;
  let takenBefore = 0;
  let silentSteps = 0;

  const look = async (): Promise<void> => {
    const isFree = active < concurrency;
    const isWaiting = isFree && (await countWaiting().catch(() => 0)) > 0;
    silentSteps = isWaiting && taken === takenBefore ? silentSteps + 1 : 0;
    takenBefore = taken;
    if (silentSteps === STEPS) onSilence(new Error(`messages wait, and none was taken for ${silenceMs / 1000} s`));
  };
  const loop = startLoop(look, { intervalMs: silenceMs / STEPS, onError });

  return {
    taking: async (handled) => {
      taken += 1;
      active += 1;
      await handled.finally(() => {
        active -= 1;
      });
    },
    close: loop.close,
  };
}
