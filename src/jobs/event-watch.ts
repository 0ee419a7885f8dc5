import { CHANNELS, type Channel } from '../db/database.ts';

/** Notifications of the database; after a lost connection the payload is empty and anything may have changed. */
export interface Notifications {
  on(channel: Channel, handler: (payload: string) => void): () => void;
}

/** Tells when a job may have changed. What changed is always read from the tables. */
export interface JobWatch {
  /** Resolves at the next change, at once if there was one since the last call, after `timeoutMs`, or when `signal` aborts. */
  next(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** Starts to watch before the caller reads, so that no change between reading and waiting is missed. */
export function watchJob(notifications: Notifications, jobId: string): JobWatch {
  let hasChanged = false;
  let wake: (() => void) | null = null;
  const off = notifications.on(CHANNELS.jobChanged, (payload) => {
    if (payload !== jobId && payload !== '') return;
    hasChanged = true;
    wake?.();
  });
  return {
    async next(timeoutMs, signal) {
      if (!hasChanged && !signal?.aborted && timeoutMs > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const timer = setTimeout(resolve, timeoutMs);
        // Taken away again: a follower waits thousands of times with one signal.
        const onAbort = (): void => resolve();
        signal?.addEventListener('abort', onAbort);
        wake = resolve;
        await promise;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        wake = null;
      }
      hasChanged = false;
    },
    close: off,
  };
}
