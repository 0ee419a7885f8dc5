import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { findFreePort } from '../../../src/runtime/port.ts';
import type { Random } from '../../jobs/simulator/random.ts';
import { type Client, clientOf } from './client.ts';
import { type Kept, keep } from './processes.ts';
import type { Recorder } from './report.ts';
import type { Servers } from './servers.ts';
import type { Tier } from './tiers.ts';
import { startWitness, type Witness } from './witness.ts';

export type QueueName = 'postgres' | 'redis';

/** An API process, with calls on it; its address stays when it is started again. */
export type Api = Kept & Client;

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** For its first process only. */
  readonly once?: Readonly<Record<string, string>>;
  /** How it reaches PostgreSQL, when not directly. */
  readonly databasePort?: number;
  /** Another program than the worker's own. */
  readonly file?: string;
}

/** What one invariant has for itself: a database, a queue, and processes of the product that it may kill. */
export interface World {
  readonly tier: Tier;
  readonly random: Random;
  readonly report: Recorder;
  readonly queue: QueueName;
  readonly servers: Servers;
  readonly witness: Witness;
  startApi(options?: ProcessOptions): Promise<Api>;
  startWorker(options?: ProcessOptions): Promise<Kept>;
  /** Asks the database itself, past the product. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** A value for the tier. */
  times(counts: { readonly pr: number; readonly nightly: number; readonly weekly: number }): number;
  pause(milliseconds: number): Promise<void>;
}

export interface OpenWorld extends World {
  readonly apis: readonly Api[];
  /** What its processes have written. */
  lines(): string[];
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly name: string;
  readonly tier: Tier;
  readonly random: Random;
  readonly report: Recorder;
  readonly queue: QueueName;
  readonly servers: Servers;
  /** Planted into every process. */
  readonly bug: string | null;
}

export async function openWorld(options: WorldOptions): Promise<OpenWorld> {
  const { name, tier, report, queue, servers } = options;
  const database = `fault_${name.toLowerCase()}`;
  await servers.postgres.execute(`CREATE DATABASE ${database}`);
  const databaseUrl = servers.postgres.url(database);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4, connectionTimeoutMillis: 5000 });
  pool.on('error', () => undefined); // Faults reach this connection, too; the failing query tells.
  const witness = startWitness(join(servers.dir, `${database}.witness`));
  const kept: Kept[] = [];
  const apis: Api[] = [];
  const environment = ({ env = {}, databasePort }: ProcessOptions): Record<string, string> => ({
    DATABASE_URL: databasePort === undefined ? databaseUrl : onPort(databaseUrl, databasePort),
    QUEUE: queue,
    REDIS_URL: queue === 'redis' && servers.redis !== null ? servers.redis.url : '',
    LEASE_SECONDS: String(tier.leaseSeconds),
    WORKER_CONCURRENCY: '1',
    LOG_LEVEL: 'info',
    NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
    ...(options.bug !== null && { FAULT_BUG: options.bug }),
    ...env,
  });
  return {
    ...{ tier, random: options.random, report, queue, servers, witness, apis },
    startApi: async (asked = {}) => {
      const port = await findFreePort();
      const env = { ...environment(asked), ROLE: 'api', PORT: String(port) };
      const process = await keep({ file: 'src/main.ts', env, ready: /server_ready/ }, asked.once);
      const api = apiOf(process, clientOf(`http://127.0.0.1:${port}`));
      kept.push(process);
      apis.push(api);
      return api;
    },
    startWorker: async (asked = {}) => {
      const env = { ...environment(asked), ROLE: 'worker' };
      const process = await keep({ file: asked.file ?? 'workers/main.ts', env, ready: /worker_ready/ }, asked.once);
      kept.push(process);
      return process;
    },
    query: async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) => (await pool.query<Row>(sql, values)).rows,
    times: (counts) => counts[tier.name],
    pause,
    lines: () => kept.flatMap(({ lines }) => lines),
    close: async () => {
      await Promise.all(kept.map((process) => process.stop()));
      witness.close();
      await pool.end();
      await servers.postgres.execute(`DROP DATABASE ${database} WITH (FORCE)`);
    },
  };
}

/** The process with its calls; its getters stay getters. */
function apiOf(process: Kept, client: Client): Api {
  return Object.defineProperties(client, Object.getOwnPropertyDescriptors(process)) as Api;
}

function onPort(url: string, port: number): string {
  const other = new URL(url);
  other.port = String(port);
  return other.href;
}
