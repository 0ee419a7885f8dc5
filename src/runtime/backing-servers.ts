import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { openDataDir } from './data-dir.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { findRedisServer, startEmbeddedRedis } from './embedded-redis.ts';
import { type KeptServer, keepServerRunning } from './server-keeper.ts';
import type { Shutdown } from './shutdown.ts';

/** The servers this one stands on, given from outside or started here. */
export interface BackingServers {
  readonly databaseUrl: string;
  readonly queue: { readonly store: 'redis' | 'postgres'; readonly url: string };
  /** Where the data is, in words for the person who started the server. */
  readonly data: string;
  readonly queueName: string;
}

type ServersConfig = Pick<Config, 'role' | 'dataDir' | 'databaseUrl' | 'redisUrl' | 'queue'>;

/** Starts what the configuration does not name; only the role `all` starts servers of its own. */
export async function startBackingServers(config: ServersConfig, logger: Logger, shutdown: Shutdown): Promise<BackingServers> {
  const embedsRedis = config.role === 'all' && config.redisUrl === null && config.queue !== 'postgres';
  if (config.databaseUrl === null || embedsRedis) {
    const dataDir = await openDataDir(config.dataDir);
    shutdown.add('data_dir', dataDir.release);
  }
  const [database, redis] = await Promise.all([
    openPostgres(config, logger, shutdown),
    embedsRedis ? openRedis(config, logger, shutdown) : givenRedis(config),
  ]);
  if (redis === null && config.queue === 'redis')
    throw new Error('QUEUE=redis, but there is neither a REDIS_URL nor a redis-server on PATH');
  const queue =
    redis === null ? ({ store: 'postgres', url: database.url, name: 'in PostgreSQL' } as const) : ({ store: 'redis', ...redis } as const);
  return { databaseUrl: database.url, queue: { store: queue.store, url: queue.url }, data: database.name, queueName: queue.name };
}

interface NamedServer {
  readonly url: string;
  readonly name: string;
}

async function openPostgres(config: ServersConfig, logger: Logger, shutdown: Shutdown): Promise<NamedServer> {
  if (config.databaseUrl !== null) return { url: config.databaseUrl, name: `PostgreSQL at ${new URL(config.databaseUrl).host}` };
  const server = await startEmbeddedPostgres({ dataDir: join(resolve(config.dataDir), 'postgres'), database: 'alma' });
  keep({ name: 'postgres', server, endSignal: 'SIGINT' }, logger, shutdown);
  return { url: server.url, name: `${server.dataDir} (embedded PostgreSQL)` };
}

async function openRedis(config: ServersConfig, logger: Logger, shutdown: Shutdown): Promise<NamedServer | null> {
  const program = await findRedisServer();
  if (program === null) return null;
  const server = await startEmbeddedRedis(program, join(resolve(config.dataDir), 'redis'));
  keep({ name: 'redis', server, endSignal: 'SIGTERM' }, logger, shutdown);
  return { url: server.url, name: `in Redis (private ${program})` };
}

async function givenRedis({ redisUrl, queue }: ServersConfig): Promise<NamedServer | null> {
  if (redisUrl === null || queue === 'postgres') return null;
  return { url: redisUrl, name: `in Redis at ${new URL(redisUrl).host}` };
}

interface OwnServer {
  readonly name: 'postgres' | 'redis';
  readonly server: KeptServer & { stop(): Promise<void> };
  /** Asks the process for a fast end. */
  readonly endSignal: NodeJS.Signals;
}

/** Keeps a server running until it is stopped with the service; its keeper is closed first. */
function keep({ name, server, endSignal }: OwnServer, logger: Logger, shutdown: Shutdown): void {
  shutdown.add(name, server.stop, () => interrupt(server.pid, endSignal));
  const keeper = keepServerRunning({ name, server, logger, isEnding: shutdown.hasBegun });
  shutdown.add(`${name}_keeper`, keeper.close);
}

/** Asks for a fast end without waiting for it; the servers run in process groups of their own and end by themselves. */
function interrupt(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}
