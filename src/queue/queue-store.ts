// Where the doorbell lives: BullMQ over Redis or over PostgreSQL. One contract, chosen once from the configuration;
// everything above deals in `MessageProducer` and `MessageConsumer` and never sees BullMQ.

import { createPostgresBackend, createRedisBackend, runMigrations, withBackend } from 'bullmq';
import { HeardClient } from '../db/heard-client.ts';

export interface QueueStoreConfig {
  readonly store: 'redis' | 'postgres';
  /** `redis://…` or `postgresql://…`, matching `store`. */
  readonly url: string;
}

/** The only thing a message says: which job. Everything else is read from the tables. */
export interface QueueMessage {
  /** Adding a message whose id is still in the queue changes nothing. */
  readonly id: string;
  readonly jobId: string;
}

export interface MessageProducer {
  add(messages: readonly QueueMessage[]): Promise<void>;
  /** Messages nobody has taken yet. */
  countWaiting(): Promise<number>;
  close(): Promise<void>;
}

export interface MessageConsumer {
  /** Takes no further message; handlers that are running go on. */
  pause(): Promise<void>;
  /** Waits for running handlers, or abandons them when forced. */
  close(options: { force: boolean }): Promise<void>;
}

export interface ConsumerOptions {
  readonly concurrency: number;
  readonly handle: (jobId: string) => Promise<void>;
  readonly onError: (error: Error) => void;
  /** Messages are no longer taken, and nobody asked for that. */
  readonly onStopped: (error: Error) => void;
}

export interface QueueStore {
  readonly kind: QueueStoreConfig['store'];
  createProducer(name: string, onError: (error: Error) => void): MessageProducer;
  createConsumer(name: string, options: ConsumerOptions): Promise<MessageConsumer>;
}

interface MessageData {
  jobId: string;
}

const PRODUCER_TIMEOUT_MS = 2000;

/** Settings of every worker: Postgres owns retries, so BullMQ only re-delivers what a dead process had in hand. */
const CONSUMER_SETTINGS = {
  // A message that died with its worker before the job was claimed comes back after at most the sum of both. Losing a lock
  // by being slow costs nothing: whoever gets the message again finds the job claimed.
  lockDuration: 10_000,
  stalledInterval: 5000,
  // The default of 15 s would leave a worker idle for so long after the store has come back.
  runRetryDelay: 1000,
  // The default of 1 would turn the second death of a process into a failed message; the crash budget is kept in the job row.
  maxStalledCount: 1_000_000,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
};

const MESSAGE_SETTINGS = { attempts: 1, removeOnComplete: true, removeOnFail: true, sizeLimit: 4096 };

/** Opens the store; the PostgreSQL one brings its own tables (schema `bullmq`) up to date first. */
export async function openQueueStore(config: QueueStoreConfig): Promise<QueueStore> {
  if (config.store === 'redis') return redisStore(config.url);
  const client = new HeardClient({ connectionString: config.url });
  await client.connect();
  try {
    await runMigrations(client);
  } finally {
    await client.end();
  }
  return postgresStore(config.url);
}

function redisStore(url: string): QueueStore {
  const bull = withBackend(createRedisBackend);
  return {
    kind: 'redis',
    createProducer: (name, onError) => {
      // Fails fast: without these an `add` waits for ever while Redis is away.
      const connection = { url, enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: PRODUCER_TIMEOUT_MS };
      return producer(new bull.Queue<MessageData>(name, { connection, defaultJobOptions: MESSAGE_SETTINGS }), onError);
    },
    createConsumer: (name, options) => {
      const connection = { url, maxRetriesPerRequest: null };
      return consumer(new bull.Worker<MessageData>(name, handler(options), { ...consumerSettings(options), connection }), options);
    },
  };
}

function postgresStore(url: string): QueueStore {
  const bull = withBackend(createPostgresBackend);
  return {
    kind: 'postgres',
    createProducer: (name, onError) => {
      const connection = { Client: HeardClient, connectionString: url, max: 2, connectionTimeoutMillis: PRODUCER_TIMEOUT_MS };
      return producer(new bull.Queue<MessageData>(name, { connection, defaultJobOptions: MESSAGE_SETTINGS }), onError);
    },
    createConsumer: (name, options) => {
      const connection = { Client: HeardClient, connectionString: url, max: 3 };
      return consumer(new bull.Worker<MessageData>(name, handler(options), { ...consumerSettings(options), connection }), options);
    },
  };
}

function handler(options: ConsumerOptions): (message: { data: MessageData }) => Promise<void> {
  return (message) => options.handle(message.data.jobId);
}

function consumerSettings(options: ConsumerOptions) {
  return { ...CONSUMER_SETTINGS, concurrency: options.concurrency, autorun: false };
}

/** The part of BullMQ's Queue that both backends share. */
interface BullQueue {
  addBulk(messages: { name: string; data: MessageData; opts: { jobId: string } }[]): Promise<unknown>;
  getJobCounts(...types: 'waiting'[]): Promise<Record<string, number>>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

function producer(queue: BullQueue, onError: (error: Error) => void): MessageProducer {
  queue.on('error', onError);
  return {
    add: async (messages) => {
      const bulk = messages.map(({ id, jobId }) => ({ name: 'train', data: { jobId }, opts: { jobId: id } }));
      await withinTimeout(queue.addBulk(bulk));
    },
    countWaiting: async () => (await withinTimeout(queue.getJobCounts('waiting')))['waiting'] ?? 0,
    close: () => queue.close(),
  };
}

/** The part of BullMQ's Worker that both backends share. */
interface BullWorker {
  run(): Promise<void>;
  waitUntilReady(): Promise<unknown>;
  pause(doNotWaitActive?: boolean): Promise<void>;
  close(force?: boolean): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

async function consumer(worker: BullWorker, options: ConsumerOptions): Promise<MessageConsumer> {
  worker.on('error', options.onError);
  await worker.waitUntilReady();
  let wanted = true;
  const stopped = (error: unknown): void => {
    if (wanted) options.onStopped(error instanceof Error ? error : new Error('the queue gives no more messages'));
  };
  worker.run().then(stopped, stopped);
  return {
    pause: () => {
      wanted = false;
      return worker.pause(true);
    },
    close: ({ force }) => {
      wanted = false;
      return worker.close(force);
    },
  };
}

/** BullMQ waits for a first connection before it sends anything; a caller that holds rows locked must not. */
async function withinTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the queue store does not answer')), 2 * PRODUCER_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
