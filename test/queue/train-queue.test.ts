import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createListener, type Listener } from '../../src/db/listener.ts';
import { createLeaseRecovery } from '../../src/jobs/lease-recovery.ts';
import { startDispatcher } from '../../src/queue/dispatcher.ts';
import { openQueueStore, type QueueStore } from '../../src/queue/queue-store.ts';
import { consumeTrainQueue, createTrainQueue, type TrainQueue } from '../../src/queue/train-queue.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { insertJob } from '../support/job-rows.ts';
import { availableQueueStores, openTestQueueStore, type TestQueueStore } from '../support/queue-stores.ts';

const onError = (): void => undefined;

describe.each(await availableQueueStores())('the train queue on %s', (kind) => {
  let testDatabase: TestDatabase;
  let database: Database;
  let listener: Listener;
  let testStore: TestQueueStore;
  let store: QueueStore;
  let queue: TrainQueue;
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 4, onError });
    listener = createListener(testDatabase.url, { onError });
    testStore = await openTestQueueStore(kind, testDatabase.url);
    store = await openQueueStore(testStore.config);
    queue = createTrainQueue(store, onError);
  });

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await queue.close();
    await listener.close();
    await database.close();
    await testStore.close();
    await testDatabase.drop();
  });

  function dispatch(): void {
    const dispatcher = startDispatcher({
      pool: database.pool,
      listener,
      queue,
      recovery: createLeaseRecovery(database.pool),
      checkpointLimits: { days: 7, bytesMax: 1e9 },
      onError,
    });
    closing.push(() => dispatcher.close());
  }

  async function consume(handle: (jobId: string) => Promise<void>, concurrency = 1) {
    const consumer = await consumeTrainQueue(store, { concurrency, handle, queue, silenceMs: 60_000, onError, onStopped: onError });
    closing.push(() => consumer.close({ force: true }));
    return consumer;
  }

  it('delivers a doorbell to one consumer with the id of its job', async () => {
    const delivered: string[] = [];
    const handle = async (jobId: string): Promise<void> => void delivered.push(jobId);
    await consume(handle);
    await consume(handle);
    await queue.ring([{ jobId: 'job_A', attempt: 1 }]);
    await queue.ring([{ jobId: 'job_B', attempt: 1 }]);
    await eventually('both are delivered', () => (delivered.length >= 2 ? true : null));
    await eventually('nothing is left', async () => ((await queue.countWaiting()) === 0 ? true : null));
    expect(delivered.sort()).toEqual(['job_A', 'job_B']);
  });

  it('keeps one message for a doorbell that rings many times', async () => {
    for (let n = 0; n < 5; n += 1) await queue.ring([{ jobId: 'job_A', attempt: 1 }]);
    expect(await queue.countWaiting()).toBe(1);
    await queue.ring([{ jobId: 'job_A', attempt: 2 }]);
    expect(await queue.countWaiting()).toBe(2);
  });

  it('goes on delivering after a handler that failed', async () => {
    const delivered: string[] = [];
    await consume(async (jobId) => {
      delivered.push(jobId);
      if (jobId === 'job_bad') throw new Error('a handler that failed');
    });
    await queue.ring([{ jobId: 'job_bad', attempt: 1 }]);
    await queue.ring([{ jobId: 'job_good', attempt: 1 }]);
    await eventually('the good one is delivered', () => (delivered.includes('job_good') ? true : null));
  });

  it('relays the outbox, by several relays at once, and empties it', async () => {
    const jobIds = await Promise.all(Array.from({ length: 20 }, () => insertJob(database.pool)));
    dispatch();
    dispatch();
    const delivered = new Set<string>();
    await consume(async (jobId) => void delivered.add(jobId), 4);
    await eventually('all are delivered', () => (delivered.size === jobIds.length ? true : null));
    expect([...delivered].sort()).toEqual([...jobIds].sort());
    await eventually('the outbox is empty', async () => {
      const { rowCount } = await database.pool.query('SELECT FROM outbox');
      return rowCount === 0 ? true : null;
    });
  });

  it('heals a store that lost all its messages', async () => {
    const jobIds = await Promise.all(Array.from({ length: 5 }, () => insertJob(database.pool)));
    dispatch();
    await eventually('all are in the queue', async () => ((await queue.countWaiting()) === jobIds.length ? true : null));
    await testStore.flush();
    expect(await queue.countWaiting()).toBe(0);
    await eventually('all are in the queue again', async () => ((await queue.countWaiting()) === jobIds.length ? true : null));
  });

  it('takes nothing more once paused', async () => {
    const delivered: string[] = [];
    const consumer = await consume(async (jobId) => void delivered.push(jobId));
    await consumer.pause();
    await queue.ring([{ jobId: 'job_A', attempt: 1 }]);
    await consume(async (jobId) => void delivered.push(`other ${jobId}`));
    await eventually('it is delivered', () => (delivered.length > 0 ? true : null));
    expect(delivered).toEqual(['other job_A']);
  });
});
