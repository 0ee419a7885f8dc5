import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/runtime/embedded-postgres.ts';
import { findRedisServer, startEmbeddedRedis } from '../../../src/runtime/embedded-redis.ts';
import { waitForExit } from '../../../src/runtime/process-alive.ts';
import { type OwnRedis, ownRedis } from '../../support/backing-servers.ts';

/** The private servers of a run, which nobody else uses and which may be killed. */
export interface Servers {
  readonly dir: string;
  readonly postgres: FaultyPostgres;
  /** Null where there is no redis-server. */
  readonly redis: (OwnRedis & { readonly url: string }) | null;
  close(): Promise<void>;
}

export interface FaultyPostgres {
  /** The URL of a database; by default of the one for administration. */
  url(database?: string): string;
  readonly port: number;
  /** Ends it and returns when it is gone: SIGINT is a fast end, SIGQUIT an immediate one, SIGKILL none. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again, under its address and on its data; returns when it answers. */
  restart(): Promise<void>;
  execute(sql: string): Promise<void>;
}

const GONE_MS = 20_000;

export async function startServers(): Promise<Servers> {
  const dir = await mkdtemp(join(tmpdir(), 'alma-faults-'));
  await chmod(dir, 0o711); // Run by root, PostgreSQL drops to an account that must get in.
  // Durable, as it is used: with fsync and with commits that wait for it.
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres'), database: 'alma' });
  const program = await findRedisServer();
  const redis = program === null ? null : await startEmbeddedRedis(program, join(dir, 'redis'));
  const faultyRedis = redis === null ? null : { url: redis.url, ...(await ownRedis(dir)) };
  return {
    dir,
    postgres: faulty(postgres),
    redis: faultyRedis,
    close: async () => {
      await faultyRedis?.end('SIGKILL').catch(() => undefined);
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function faulty(server: EmbeddedPostgres): FaultyPostgres {
  const urlOf = (database: string): string => {
    const url = new URL(server.url);
    url.pathname = `/${database}`;
    return url.href;
  };
  return {
    url: (database = 'postgres') => urlOf(database),
    port: Number(new URL(server.url).port),
    end: async (signal) => {
      const { pid } = server;
      process.kill(pid, signal);
      if (!(await waitForExit(pid, GONE_MS))) throw new Error('PostgreSQL does not end');
    },
    restart: () => server.restart(),
    execute: async (sql) => {
      const client = new pg.Client({ connectionString: urlOf('postgres') });
      client.on('error', () => undefined); // Told by the statement.
      await client.connect();
      await client.query(sql).finally(() => client.end());
    },
  };
}
