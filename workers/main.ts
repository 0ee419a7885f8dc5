// A worker process: takes jobs from the queue and trains them in threads. Run as a program (a supervised child, a container)
// it reads the environment; the role `worker` of the server calls `runWorker` with what it has read already.

import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createBlobStore } from '../src/blobs/blob-store.ts';
import { type Config, loadConfig } from '../src/config.ts';
import { createDatasetService } from '../src/datasets/dataset-service.ts';
import { createDatasetStore } from '../src/datasets/dataset-store.ts';
import { CHANNELS, openDatabase } from '../src/db/database.ts';
import { createListener } from '../src/db/listener.ts';
import { engineVersion, selectBackend } from '../src/engine/index.ts';
import { createFleetService, type FleetService } from '../src/fleet/fleet-service.ts';
import { createWorkerStore } from '../src/fleet/worker-store.ts';
import type { EngineIdentity } from '../src/jobs/checkpoint-match.ts';
import { createCheckpointStore } from '../src/jobs/checkpoint-store.ts';
import { createExecutionStore } from '../src/jobs/execution-store.ts';
import { createJobProcessor, type JobProcessor } from '../src/jobs/job-processor.ts';
import { createLeaseKeeper } from '../src/jobs/lease-keeper.ts';
import { createLeaseRecovery } from '../src/jobs/lease-recovery.ts';
import { newId } from '../src/lib/ids.ts';
import { startLoop } from '../src/lib/wakeable-loop.ts';
import { startDispatcher } from '../src/queue/dispatcher.ts';
import { type MessageConsumer, openQueueStore, type QueueStore, type QueueStoreConfig } from '../src/queue/queue-store.ts';
import { consumeTrainQueue, createTrainQueue, type TrainQueue } from '../src/queue/train-queue.ts';
import { createJobProcesses, type JobProcesses } from '../src/runtime/job-processes.ts';
import { createLogger } from '../src/runtime/logger.ts';
import { createShutdown, type Shutdown, shutdownOnSignals } from '../src/runtime/shutdown.ts';
import { onParentGone } from '../src/runtime/supervisor.ts';
import { createTrainPool } from '../src/threads/train-pool.ts';
import { VERSION } from '../src/version.ts';

export interface WorkerDeps {
  readonly config: Config;
  readonly logger: Logger;
  /** For a process that another worker started for this one job: it runs it and ends. */
  readonly onlyJob?: string | undefined;
}

/** Several jobs often train on one dataset; the tables of the last ones stay in memory. */
const TABLE_CACHE_BYTES = 256 * 1024 * 1024;
const HEARTBEAT_MS = 5000;
const IDLE_TRANSACTION_MS_MAX = 10_000;
/** After the jobs are given back, how long the queue may take to hear that their messages are dealt with. */
const CONSUMER_CLOSE_MS = 3000;

/** Starts a worker and returns when it takes jobs, or has run its only one. It ends with SIGTERM, SIGINT, or the process that started it. */
export async function runWorker(deps: WorkerDeps): Promise<void> {
  const { logger } = deps;
  const shutdown = createShutdown(logger);
  shutdownOnSignals(shutdown, logger);
  onParentGone(() => process.kill(process.pid, 'SIGTERM'));
  try {
    const { processor, ...started } = await startWorker(deps, shutdown);
    if (deps.onlyJob === undefined) return await takeJobs(deps, { processor, ...started }, shutdown);
    await processor.process(deps.onlyJob);
    await shutdown.run();
    process.disconnect?.();
  } catch (error) {
    await shutdown.run();
    // The channel alone would keep this process, and nobody would start another one.
    if (process.connected) process.disconnect();
    throw error;
  }
}

type Started = Awaited<ReturnType<typeof startWorker>>;

/** Everything but what brings jobs: connections, and a processor that is known to the others as a worker. */
async function startWorker({ config, logger, onlyJob }: WorkerDeps, shutdown: Shutdown) {
  const report: Report = (component) => (error) => logger.warn({ err: error, component }, 'connection_trouble');
  const { variant } = selectBackend(config.engine.backend);
  const slots = onlyJob === undefined ? config.worker.concurrency : 1;
  const identity = { engine: engineVersion, backend: variant };
  const self = { id: newId('worker'), pid: process.pid, host: hostname(), version: VERSION, ...identity, slots };
  const connections = openConnections({ config, slots, report }, shutdown);
  const { database, listener, recovery } = connections;
  const fleet = createFleetService({ workers: createWorkerStore(database), recovery });
  await fleet.heartbeat(self);
  const heartbeat = startLoop(() => fleet.heartbeat(self), { intervalMs: HEARTBEAT_MS, onError: report('fleet') });
  shutdown.add('fleet', async () => {
    await heartbeat.close();
    await fleet.leave(self.id);
  });
  const apart = slots === 1 ? null : jobProcesses(logger, fleet);
  const processor = createProcessor({ config, logger, self, apart }, connections);
  const unlisten = listener.on(CHANNELS.jobWish, () => processor.check());
  shutdown.add('wishes', async () => unlisten());
  shutdown.add('jobs', processor.releaseAll);
  logger.info({ worker: self.id, slots, backend: variant, only_job: onlyJob ?? null }, 'worker_started');
  return { processor, report, slots, ...connections };
}

/** Jobs that may have taken a process with them get one each. */
function jobProcesses(logger: Logger, fleet: FleetService): JobProcesses {
  const onDeath = (pid: number): Promise<number> => fleet.processDied({ host: hostname(), pid });
  return createJobProcesses({ entry: import.meta.filename, env: process.env, logger, onDeath });
}

/** Takes jobs from the queue, and does its part in bringing them there. */
async function takeJobs({ config, logger }: WorkerDeps, started: Started, shutdown: Shutdown): Promise<void> {
  const { processor, report, slots } = started;
  const { store, queue } = await openQueue(config, started, shutdown);

  const consumer = await consumeTrainQueue(store, {
    concurrency: slots,
    handle: processor.process,
    queue,
    silenceMs: config.worker.silenceSeconds * 1000,
    onError: report('queue'),
    // Alive, but of no use any more: whoever keeps this process starts another one.
    onStopped: (error) => {
      logger.fatal({ err: error }, 'worker_takes_no_jobs');
      process.exitCode = 1;
      process.kill(process.pid, 'SIGTERM');
    },
  });
  // Ended before the jobs are given back, of which each would otherwise be rung for here again.
  shutdown.add('consumer', async () => {
    await consumer.pause();
    await processor.releaseAll();
    await closeConsumer(consumer, report);
  });
  logger.info({ slots, queue: store.kind }, 'worker_ready');
}

type Report = (component: string) => (error: Error) => void;

type Connections = ReturnType<typeof openConnections>;

/** Opens what a worker stands on: threads and database. */
function openConnections({ config, slots, report }: { config: Config; slots: number; report: Report }, shutdown: Shutdown) {
  const databaseUrl = databaseUrlOf(config);
  const { leaseSeconds } = config.worker;
  // The threads start while the connections are made.
  const trainPool = createTrainPool({ threads: slots });
  shutdown.add('threads', trainPool.close);
  // A frozen worker must not hold the rows of its jobs for longer than their leases.
  const idleTransactionMs = Math.min(IDLE_TRANSACTION_MS_MAX, leaseSeconds * 1000);
  const database = openDatabase(databaseUrl, { poolSize: 2 + slots, onError: report('database'), idleTransactionMs });
  shutdown.add('database', database.close);
  const listener = createListener(databaseUrl, { onError: report('listener') });
  shutdown.add('listener', listener.close);
  const keeper = createLeaseKeeper({ databaseUrl, leaseSeconds, now: () => performance.now(), onError: report('heartbeat') });
  shutdown.add('leases', keeper.close);
  return { trainPool, database, listener, keeper, recovery: createLeaseRecovery(database.pool) };
}

async function openQueue(
  config: Config,
  { database, listener, recovery, report }: Started,
  shutdown: Shutdown,
): Promise<{ store: QueueStore; queue: TrainQueue }> {
  const store = await openQueueStore(queueStoreConfig(config, databaseUrlOf(config)));
  const queue = createTrainQueue(store, report('queue'));
  shutdown.add('queue', queue.close);
  const dispatcher = startDispatcher({
    pool: database.pool,
    listener,
    queue,
    recovery,
    checkpointLimits: config.checkpoints,
    onError: report('dispatcher'),
  });
  shutdown.add('dispatcher', dispatcher.close);
  return { store, queue };
}

function databaseUrlOf({ databaseUrl }: Config): string {
  if (databaseUrl === null) throw new Error('a worker needs DATABASE_URL');
  return databaseUrl;
}

interface ProcessorDeps extends Pick<WorkerDeps, 'config' | 'logger'> {
  readonly self: EngineIdentity & { readonly id: string; readonly slots: number };
  readonly apart: JobProcesses | null;
}

function createProcessor({ config, logger, self, apart }: ProcessorDeps, { database, keeper, trainPool }: Connections): JobProcessor {
  const { pool } = database;
  const { leaseSeconds, shutdownGraceSeconds } = config.worker;
  const { engine, backend } = self;
  const identity = { engine, backend };
  const blobs = createBlobStore(pool);
  return createJobProcessor({
    workerId: self.id,
    apart,
    executions: createExecutionStore({ pool, blobs, leaseSeconds, identity, alone: self.slots === 1 }),
    checkpoints: createCheckpointStore({ pool, blobs }),
    identity,
    keeper,
    trainPool,
    pool,
    blobs,
    leaseSeconds,
    releaseGraceMs: shutdownGraceSeconds * 1000,
    datasets: createDatasetService({
      store: createDatasetStore({ database }),
      blobs,
      database,
      limits: config.limits,
      cacheBytesMax: TABLE_CACHE_BYTES,
    }),
    backend: config.engine.backend,
    now: () => performance.now(),
    logger,
  });
}

/** The queue's messages are dealt with when the jobs are; a queue that cannot hear so any more is not waited for. */
async function closeConsumer(consumer: MessageConsumer, report: Report): Promise<void> {
  const closed = consumer.close({ force: false }).catch(report('queue'));
  await Promise.race([closed, delay(CONSUMER_CLOSE_MS)]);
}

function queueStoreConfig({ queue, redisUrl }: Config, databaseUrl: string): QueueStoreConfig {
  if (queue !== 'postgres' && redisUrl !== null) return { store: 'redis', url: redisUrl };
  if (queue === 'redis') throw new Error('QUEUE=redis needs REDIS_URL');
  return { store: 'postgres', url: databaseUrl };
}

if (import.meta.main) {
  const config = loadConfig(process.env);
  const logger = createLogger(config.logLevel, 'worker');
  await runWorker({ config, logger, onlyJob: process.argv[2] }).catch((error: unknown) => {
    logger.fatal({ err: error }, 'worker_start_failed');
    process.exitCode = 1;
  });
}
