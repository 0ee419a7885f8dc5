// One process of the service, in any role: opens what it needs in order, and closes it in the reverse order.
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { ApiServer } from './api-server.ts';
import { type Config, loadConfig } from './config.ts';
import { migrate } from './db/migrate.ts';
import { DEFAULT_PROJECT } from './http/auth.ts';
import { type BackingServers, startBackingServers } from './runtime/backing-servers.ts';
import { createLogger } from './runtime/logger.ts';
import { createShutdown, type Shutdown, shutdownOnSignals } from './runtime/shutdown.ts';
import { onParentGone, startSupervisor } from './runtime/supervisor.ts';

const WORKER_ENTRY = fileURLToPath(new URL('../workers/main.ts', import.meta.url));
/** How long the start waits to be ready before it says so anyway. */
const READY_TIMEOUT_MS = 20_000;

/** Runs the role of the configuration until a signal ends it. Throws, with everything closed again, if it cannot start. */
export async function runServer(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadConfig(env);
  const logger = createLogger(config.logLevel, config.role);
  if (config.role === 'worker') return runWorkerRole(config, logger);
  const shutdown = createShutdown(logger);
  shutdownOnSignals(shutdown, logger);
  // Started by another program, which ends: so does this one.
  onParentGone(() => process.kill(process.pid, 'SIGTERM'));
  try {
    await startRole(config, env, logger, shutdown);
  } catch (error) {
    if (shutdown.hasBegun()) return shutdown.run(); // A signal during the start; it ends the process.
    logger.debug({ err: error }, 'start_failed');
    await shutdown.run();
    throw error;
  }
}

async function runWorkerRole(config: Config, logger: Logger): Promise<void> {
  if (config.databaseUrl !== null) await migrate(config.databaseUrl);
  const { runWorker } = await import('../workers/main.ts');
  await runWorker({ config, logger });
}

async function startRole(config: Config, env: NodeJS.ProcessEnv, logger: Logger, shutdown: Shutdown): Promise<void> {
  // Reading the program's own files takes about as long as starting the servers and the worker: all at once.
  const apiServer = import('./api-server.ts');
  const backing = await startBackingServers(config, logger, shutdown);
  const { databaseUrl, queue } = backing;
  await migrate(databaseUrl);
  const supervisesWorker = config.role === 'all';
  let api: ApiServer | null = null;
  if (supervisesWorker) {
    const supervisor = startSupervisor({
      entry: WORKER_ENTRY,
      env: {
        ...env,
        // The same cache of compiled files as this process's.
        NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'node-compile-cache'),
        ROLE: 'worker',
        DATABASE_URL: databaseUrl,
        QUEUE: queue.store,
        REDIS_URL: queue.store === 'redis' ? queue.url : '',
      },
      logger,
      onDeath: async ({ pid }) => void (await api?.services.fleet.processDied({ host: hostname(), pid })),
    });
    shutdown.add('worker', supervisor.stop, supervisor.kill);
  }
  const { startApiServer } = await apiServer;
  api = await startApiServer({ config, databaseUrl, queue, logger, shutdown, supervisesWorker });
  await waitUntilReady(api);
  await announce(config, api, backing, logger);
}

async function waitUntilReady(api: ApiServer): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (const check of Object.values(api.readiness)) {
    while (!(await check().catch(() => false)) && performance.now() < deadline) await delay(20);
  }
}

/** Tells the person at the terminal, the log and the program that started this one where the server is. */
async function announce(config: Config, api: ApiServer, backing: BackingServers, logger: Logger): Promise<void> {
  const [worker] = await api.services.fleet.listLive(DEFAULT_PROJECT, 1, null);
  const backend = worker?.backend ?? null;
  const seconds = Number(process.uptime().toFixed(2));
  logger.info({ url: api.url, queue: backing.queue.store, backend, start_seconds: seconds }, 'server_ready');
  if (config.role === 'all') {
    const lines = [
      `Alma is ready at ${api.url} (${seconds} s)`,
      `  docs    ${api.url}/docs`,
      `  data    ${backing.data}`,
      `  queue   ${backing.queueName}`,
      `  engine  ${backend ?? 'no worker is up yet'}`,
      ...(api.portBusy ? [`  port    ${config.http.port} is in use by another program`] : []),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  process.send?.({ type: 'ready', url: api.url });
}
