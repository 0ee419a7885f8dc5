// Ends a process in order: what was started last is closed first.
import type { Logger } from 'pino';

export interface Shutdown {
  /** Registers what to close. `abort` is the quick way, for a process that ends now; it must not wait for anything. */
  add(name: string, close: () => Promise<void>, abort?: () => void): void;
  /** Closes everything once and returns when all is closed; further calls wait for the same end. */
  run(): Promise<void>;
  /** Whether the end has begun: what fails from then on is no news. */
  hasBegun(): boolean;
  /** Calls what there is to abort, last first. */
  abort(): void;
}

/** How long an orderly end may take before the process ends anyway. */
const LIMIT_MS = 19_500;
/** What was logged last gets out before the process is killed. */
const LAST_WORDS_MS = 100;
/** A second signal so soon is the same one, passed on by the terminal and by npm as well. */
const SAME_SIGNAL_MS = 500;

/** Collects what a process has opened, to close it in the reverse order. */
export function createShutdown(logger: Pick<Logger, 'error'>): Shutdown {
  const steps: { name: string; close: () => Promise<void>; abort: (() => void) | undefined }[] = [];
  let running: Promise<void> | undefined;

  const closeAll = async (): Promise<void> => {
    // A step stays in the list until it is closed, so that an abort in the middle of it finds it.
    for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
      try {
        await step.close();
      } catch (error) {
        logger.error({ err: error, step: step.name }, 'close_failed');
      }
      steps.pop();
    }
  };

  return {
    add: (name, close, abort) => void steps.push({ name, close, abort }),
    run: () => {
      running ??= closeAll();
      return running;
    },
    hasBegun: () => running !== undefined,
    abort: () => {
      for (const { abort } of steps.toReversed()) abort?.();
    },
  };
}

/** The first SIGTERM or SIGINT closes in order and ends the process; a second one, or taking too long, ends it at once. */
export function shutdownOnSignals(shutdown: Shutdown, logger: Pick<Logger, 'info' | 'error'>, limitMs = LIMIT_MS): void {
  let begunAt: number | null = null;
  const abort = (code: number): never => {
    shutdown.abort();
    process.exit(code);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (begunAt !== null) {
      if (performance.now() - begunAt > SAME_SIGNAL_MS) abort(signal === 'SIGINT' ? 130 : 143);
      return;
    }
    begunAt = performance.now();
    logger.info({ signal }, 'shutting_down');
    setTimeout(() => {
      logger.error({ limit_ms: limitMs }, 'shutdown_took_too_long');
      shutdown.abort();
      // Not `process.exit`: it waits for every thread, and one in native code ends when that returns.
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS);
    }, limitMs).unref();
    // With the code that whoever asked for the end has left: 0 unless something was wrong.
    void shutdown.run().then(() => process.exit());
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
