// The API process: opens what the services need, starts the dispatcher and listens.

import type { Logger } from 'pino';
import { buildApp } from './app.ts';
import { createBlobStore } from './blobs/blob-store.ts';
import type { Config } from './config.ts';
import { type Database, openDatabase } from './db/database.ts';
import { createListener } from './db/listener.ts';
import { DEFAULT_PROJECT } from './http/auth.ts';
import type { Readiness } from './http/health-routes.ts';
import { createLeaseRecovery } from './jobs/lease-recovery.ts';
import { startDispatcher } from './queue/dispatcher.ts';
import { openQueueStore, type QueueStoreConfig } from './queue/queue-store.ts';
import { createTrainQueue } from './queue/train-queue.ts';
import { choosePort } from './runtime/port.ts';
import type { Shutdown } from './runtime/shutdown.ts';
import { createServices, type Services } from './services.ts';

const POOL_SIZE = 8;

export interface ApiServerDeps {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly queue: QueueStoreConfig;
  readonly logger: Logger;
  readonly shutdown: Shutdown;
  /** This process also keeps a worker alive, so that it is not ready without one. */
  readonly supervisesWorker: boolean;
}

export interface ApiServer {
  readonly url: string;
  /** Another process listens on the port that was wanted. */
  readonly portBusy: boolean;
  readonly services: Services;
  readonly readiness: Readiness;
}

/** Starts the API on a migrated database. */
export async function startApiServer(deps: ApiServerDeps): Promise<ApiServer> {
  const { config, databaseUrl, logger, shutdown } = deps;
  const report = (component: string) => (error: Error) => logger.warn({ err: error, component }, 'connection_trouble');

  const database = openDatabase(databaseUrl, { poolSize: POOL_SIZE, onError: report('database') });
  shutdown.add('database', database.close);
  const listener = createListener(databaseUrl, { onError: report('listener') });
  shutdown.add('listener', listener.close);
  const queue = createTrainQueue(await openQueueStore(deps.queue), report('queue'));
  shutdown.add('queue', queue.close);

  const blobs = createBlobStore(database.pool);
  const services = createServices({ config, database, listener, blobs });
  await settleKeys(config, services);
  const recovery = createLeaseRecovery(database.pool);
  const dispatcher = startDispatcher({
    pool: database.pool,
    listener,
    queue,
    recovery,
    checkpointLimits: config.checkpoints,
    onError: report('dispatcher'),
  });
  shutdown.add('dispatcher', dispatcher.close);

  const readiness = {
    database: () => answers(database),
    queue: async () => (await queue.countWaiting()) >= 0,
    ...(deps.supervisesWorker && { worker: async () => (await services.fleet.listLive(DEFAULT_PROJECT, 1, null)).length > 0 }),
  };
  const app = await buildApp({ config, logger, services, readiness });
  const { port, busy } = await choosePort(config.http.host, config.http.port);
  await app.listen({ host: config.http.host, port });
  shutdown.add('http', () => app.close());
  return { url: urlOf(config.http.host, port), portBusy: busy, services, readiness };
}

async function answers(database: Database): Promise<boolean> {
  await database.pool.query('SELECT 1');
  return true;
}

/** The key of the environment is made valid; a server that asks for keys and has none would answer nobody. */
async function settleKeys(config: Config, { apiKeys }: Services): Promise<void> {
  if (config.http.apiKey !== null) await apiKeys.ensure(DEFAULT_PROJECT, config.http.apiKey);
  if (config.http.auth && !(await apiKeys.exist())) {
    throw new Error('requests need an API key here and there is none: make one with "npm run api-key", or set API_KEY');
  }
}

function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
