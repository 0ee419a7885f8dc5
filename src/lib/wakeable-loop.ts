export interface WakeableLoop {
  /** Runs the task as soon as possible; while it runs, once more after it. */
  wake(): void;
  /** Stops, waiting for a task that is running. */
  close(): Promise<void>;
}

/**
 * Runs a task now, then every `intervalMs` and whenever it is woken, never twice at the same time. A task that throws is
 * reported and tried again at the next interval.
 */
export function startLoop(task: () => Promise<void>, options: { intervalMs: number; onError: (error: Error) => void }): WakeableLoop {
  let closed = false;
  let woken = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    try {
      await task();
    } catch (error) {
      options.onError(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const start = (): void => {
    clearTimeout(timer);
    woken = false;
    running = run().then(() => {
      running = undefined;
      if (closed) return;
      if (woken) start();
      else timer = setTimeout(start, options.intervalMs);
    });
  };
  start();
  return {
    wake: () => {
      if (closed) return;
      if (running === undefined) start();
      else woken = true;
    },
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
