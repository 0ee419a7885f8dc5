// A private PostgreSQL from the binaries npm ships: free port, random password, loopback only.
// Not a process manager: it starts in its own process group, outlives a killed parent, and the next start takes it over.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type pg from 'pg';
import { HeardClient } from '../db/heard-client.ts';
import { findFreePort } from './port.ts';
import { locatePostgres, type PostgresFiles } from './postgres-files.ts';
import { isProcessAlive, readCommandLine, waitForExit } from './process-alive.ts';
import type { KeptServer } from './server-keeper.ts';

export interface EmbeddedPostgres extends KeptServer {
  readonly url: string;
  readonly dataDir: string;
  /** The database was created by this start. */
  readonly fresh: boolean;
  /** The server was already running, left behind by a killed parent. */
  readonly adopted: boolean;
  /** Fast shutdown: open transactions are rolled back. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly database: string;
  /** False only for data that may be lost, as in tests: no fsync. */
  readonly durable?: boolean;
}

interface Server {
  readonly pid: number;
  readonly port: number;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 20;

const runProgram = promisify(execFile);

/** Creates the data directory if it is new, starts the server or takes over a running one, and creates the database. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const files = await locatePostgres(options.dataDir);
  const durable = options.durable ?? true;
  const fresh = !existsSync(join(files.dataDir, 'PG_VERSION'));
  if (fresh) await createDataDir(files, durable);
  const password = await readFile(passwordFile(files), 'utf8');
  const running = fresh ? null : await adopt(files, password);
  let server = running ?? (await startServer(files, password, { durable, port: null }));
  const { port } = server;
  const url = (database: string) => `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`;
  await createDatabase(url('postgres'), options.database);
  return {
    url: url(options.database),
    get pid() {
      return server.pid;
    },
    dataDir: files.dataDir,
    fresh,
    adopted: running !== null,
    restart: async () => {
      const other = await adopt(files, password);
      if (other !== null && other.port !== port) throw new Error(`another PostgreSQL, process ${other.pid}, works on ${files.dataDir}`);
      server = other ?? (await startServer(files, password, { durable, port }));
    },
    stop: () => stopServer(server.pid),
  };
}

function passwordFile(files: PostgresFiles): string {
  return `${files.dataDir}.password`;
}

function logFile(files: PostgresFiles): string {
  return `${files.dataDir}.log`;
}

async function createDataDir(files: PostgresFiles, durable: boolean): Promise<void> {
  const { account, dataDir } = files;
  // Without PG_VERSION it is the remains of an initdb that was killed.
  await rm(dataDir, { recursive: true, force: true });
  // The directories above are not the server's own: it only passes through them.
  await mkdir(dirname(dataDir), { recursive: true, mode: 0o711 });
  await mkdir(dataDir, { mode: 0o700 });
  await writeFile(passwordFile(files), randomBytes(18).toString('base64url'), { mode: 0o600 });
  if (account.uid !== undefined && account.gid !== undefined) {
    await chown(dataDir, account.uid, account.gid);
    await chown(passwordFile(files), account.uid, account.gid);
  }
  const args = ['-D', dataDir, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile(files)}`, '-E', 'UTF8', '--locale=C'];
  try {
    await runProgram(files.program('initdb'), durable ? args : [...args, '--no-sync'], { ...account, cwd: '/' });
  } catch (cause) {
    await rm(dataDir, { recursive: true, force: true });
    throw new Error(`initdb failed: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** A server orphaned by a killed parent still holds the data directory: use it instead of failing on its lock file. */
async function adopt(files: PostgresFiles, password: string): Promise<Server | null> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const holder = await readLockFile(files.dataDir);
    if (holder === null) return null;
    if (!(await isPostgres(holder.pid))) {
      // The id belongs to somebody else by now; PostgreSQL itself would refuse to start.
      await rm(join(files.dataDir, 'postmaster.pid'), { force: true });
      return null;
    }
    if (await servesDataDir(holder.port, password, files.dataDir)) return holder;
    // It is starting up or shutting down.
    if (performance.now() > deadline) throw new Error(`PostgreSQL process ${holder.pid} holds ${files.dataDir} and does not answer`);
    await delay(POLL_MS);
  }
}

async function readLockFile(dataDir: string): Promise<Server | null> {
  try {
    const [pid, , , port] = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n');
    return { pid: Number(pid), port: Number(port) };
  } catch {
    return null;
  }
}

async function isPostgres(pid: number): Promise<boolean> {
  if (!isProcessAlive(pid)) return false;
  const command = await readCommandLine(pid);
  return command === null || command.includes('postgres');
}

async function servesDataDir(port: number, password: string, dataDir: string): Promise<boolean> {
  if (!(port > 0)) return false;
  const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
  try {
    return await withServer(url, async (client) => {
      const { rows } = await client.query<{ dir: string }>("SELECT current_setting('data_directory') AS dir");
      return rows[0] !== undefined && resolve(rows[0].dir) === dataDir;
    });
  } catch {
    return false;
  }
}

/** How a server is started; without a port, on a free one. */
interface StartOptions {
  readonly durable: boolean;
  readonly port: number | null;
}

async function startServer(files: PostgresFiles, password: string, options: StartOptions): Promise<Server> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const server = await spawnServer(files, options);
    const started = await waitUntilServing(server, password, files, deadline);
    if (started) return server;
    const log = await readFile(logFile(files), 'utf8');
    // Both pass by themselves: backends of a killed server keep its shared memory for seconds, and the free port
    // may have been taken by somebody else in between.
    const passing = /shared memory block|Address already in use/.test(log);
    if (!passing || performance.now() > deadline) throw new Error(`PostgreSQL did not start:\n${log.slice(-2000)}`);
    await delay(200);
  }
}

async function spawnServer(files: PostgresFiles, { durable, port: wanted }: StartOptions): Promise<Server> {
  const port = wanted ?? (await findFreePort());
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  if (!durable) settings.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
  const log = await open(logFile(files), 'w', 0o600);
  try {
    const args = ['-D', files.dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
    const child = spawn(files.program('postgres'), args, {
      ...files.account,
      cwd: '/',
      // Its own group: Ctrl-C at the terminal must reach this process first, which then stops the server last.
      detached: true,
      stdio: ['ignore', 'ignore', log.fd],
    });
    child.unref();
    const pid = await new Promise<number>((done, fail) => {
      child.once('error', fail);
      child.once('spawn', () => done(child.pid ?? 0));
    });
    return { pid, port };
  } finally {
    await log.close();
  }
}

async function waitUntilServing(server: Server, password: string, files: PostgresFiles, deadline: number): Promise<boolean> {
  while (isProcessAlive(server.pid)) {
    if (await servesDataDir(server.port, password, files.dataDir)) return true;
    if (performance.now() > deadline) {
      await stopServer(server.pid);
      return false;
    }
    await delay(POLL_MS);
  }
  return false;
}

async function stopServer(pid: number): Promise<void> {
  if (!isProcessAlive(pid)) return;
  process.kill(pid, 'SIGINT');
  if (await waitForExit(pid, STOP_TIMEOUT_MS)) return;
  process.kill(pid, 'SIGQUIT');
  await waitForExit(pid, STOP_TIMEOUT_MS);
}

async function createDatabase(adminUrl: string, name: string): Promise<void> {
  await withServer(adminUrl, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  });
}

async function withServer<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new HeardClient({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
