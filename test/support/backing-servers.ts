import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { waitForExit } from '../../src/runtime/process-alive.ts';
import { eventually } from './eventually.ts';

const GONE_MS = 20_000;

/** The server a service started for itself, as a test breaks it. */
interface BackingServer {
  /** Ends it and returns when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
}

interface OwnPostgres extends BackingServer {
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Ends every connection but the asking one. */
  cutConnections(): Promise<void>;
}

/** The embedded PostgreSQL of a service. */
export async function ownPostgres(serviceDataDir: string): Promise<OwnPostgres> {
  const dir = join(serviceDataDir, 'postgres');
  const [, , , port] = (await readFile(join(dir, 'postmaster.pid'), 'utf8')).split('\n');
  const password = await readFile(`${dir}.password`, 'utf8').catch(() => readFile(join(serviceDataDir, 'postgres.password'), 'utf8'));
  const url = `postgresql://postgres:${password.trim()}@127.0.0.1:${port}/alma`;
  const query = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined); // Told by the query.
    try {
      await client.connect();
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  return {
    query,
    cutConnections: async () => {
      await query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()');
    },
    end: async (signal) => {
      const pid = Number((await readFile(join(dir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
      process.kill(pid, signal);
      if (!(await waitForExit(pid, GONE_MS))) throw new Error('PostgreSQL does not end');
    },
  };
}

export interface OwnRedis extends BackingServer {
  /** Starts it again, under its port and on its data, and returns when it answers. */
  restart(): Promise<void>;
  flush(): Promise<void>;
}

/** The private Redis of a service. */
export async function ownRedis(serviceDataDir: string): Promise<OwnRedis> {
  const dir = join(serviceDataDir, 'redis');
  const { pid, port, password } = JSON.parse(await readFile(join(dir, 'instance.json'), 'utf8'));
  const program = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split(/[\0 ]/)[0] ?? '';
  let running: number = pid;
  const client = async <T>(ask: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis({ host: '127.0.0.1', port, password, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    redis.on('error', () => undefined); // Told by the command.
    try {
      return await ask(redis);
    } finally {
      redis.disconnect();
    }
  };
  return {
    flush: async () => void (await client((redis) => redis.flushall())),
    end: async (signal) => {
      process.kill(running, signal);
      if (!(await waitForExit(running, GONE_MS))) throw new Error('Redis does not end');
    },
    restart: async () => {
      const settings = ['--port', String(port), '--bind', '127.0.0.1', '--requirepass', password, '--appendonly', 'yes', '--save', ''];
      const child = spawn(program, [...settings, '--maxmemory-policy', 'noeviction'], { cwd: dir, detached: true, stdio: 'ignore' });
      child.unref();
      running = child.pid ?? 0;
      await eventually('Redis answers again', () => client((redis) => redis.ping()).catch(() => null));
    },
  };
}
