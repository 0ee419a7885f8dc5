import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Notifications, watchJob } from '../../src/jobs/event-watch.ts';

function notifications() {
  const handlers = new Set<(payload: string) => void>();
  const source: Notifications = {
    on: (_channel, handler) => {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
  };
  return { source, handlers, tell: (payload: string) => handlers.forEach((handler) => void handler(payload)) };
}

describe('a watch on a job', () => {
  it('leaves nothing behind on the signal or the source, however often it waited', async () => {
    const { source, handlers, tell } = notifications();
    const { signal } = new AbortController();
    const watch = watchJob(source, 'job_A');
    for (let round = 0; round < 50; round += 1) {
      const next = watch.next(60_000, signal);
      tell('job_A');
      await next;
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    watch.close();
    expect(handlers.size).toBe(0);
  });

  it('is woken by its job, by a lost connection and by the signal, and not by other jobs', async () => {
    const { source, tell } = notifications();
    const controller = new AbortController();
    const watch = watchJob(source, 'job_A');
    let woken = 0;
    const wait = async (): Promise<void> => {
      await watch.next(60_000, controller.signal);
      woken += 1;
    };
    const first = wait();
    tell('job_B');
    await new Promise(setImmediate);
    expect(woken).toBe(0);
    tell('job_A');
    await first;
    const second = wait();
    tell('');
    await second;
    const third = wait();
    controller.abort();
    await third;
    expect(woken).toBe(3);
  });

  it('does not miss a change between two waits', async () => {
    const { source, tell } = notifications();
    const watch = watchJob(source, 'job_A');
    tell('job_A');
    await watch.next(60_000);
  });
});
