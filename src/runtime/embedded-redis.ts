// A private Redis from the machine's own `redis-server` or `valkey-server`: free port, random password, loopback only.
// Like the embedded PostgreSQL it runs in its own process group, and the next start takes over one left behind.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { findFreePort } from './port.ts';
import { isProcessAlive, readCommandLine, waitForExit } from './process-alive.ts';
import type { KeptServer } from './server-keeper.ts';

export interface EmbeddedRedis extends KeptServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Stays the same when the server is started again: its clients know it. */
interface Address {
  readonly port: number;
  readonly password: string;
}

interface Instance extends Address {
  readonly pid: number;
}

/** Where the server works. */
interface Place {
  readonly program: string;
  readonly dir: string;
  /** The file that names the running instance. */
  readonly note: string;
}

const PROGRAMS = ['redis-server', 'valkey-server'];
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5000;

const runProgram = promisify(execFile);

/** The first program on PATH that is usable: at least 6.2, which also means that it runs on this machine at all. */
export async function findRedisServer(): Promise<string | null> {
  for (const program of PROGRAMS) {
    const version = await runProgram(program, ['--version'], { timeout: 5000 }).then(
      ({ stdout }) => /v=(\d+)\.(\d+)/.exec(stdout),
      () => null,
    );
    if (version !== null && Number(version[1]) * 100 + Number(version[2]) >= 602) return program;
  }
  return null;
}

/** Starts the program with its data in `dir`, or takes over the one that already works there. */
export async function startEmbeddedRedis(program: string, dir: string): Promise<EmbeddedRedis> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const place = { program, dir, note: join(dir, 'instance.json') };
  let instance = (await adopt(place.note)) ?? (await start(place, await newAddress()));
  return {
    url: urlOf(instance),
    get pid() {
      return instance.pid;
    },
    restart: async () => {
      instance = await start(place, instance);
    },
    stop: async () => {
      await stopServer(instance.pid);
      await rm(place.note, { force: true });
    },
  };
}

async function newAddress(): Promise<Address> {
  return { port: await findFreePort(), password: randomBytes(18).toString('hex') };
}

async function start(place: Place, { port, password }: Address): Promise<Instance> {
  const pid = await spawnServer(place, { port, password });
  const instance = { pid, port, password };
  try {
    await writeFile(place.note, JSON.stringify(instance), { mode: 0o600 });
    if (!(await answers(instance, START_TIMEOUT_MS))) throw new Error(`${place.program} did not start`);
    return instance;
  } catch (error) {
    // Nobody else knows of it: left alone it would hold the port against the next try.
    await stopServer(pid);
    throw error;
  }
}

async function spawnServer({ program, dir }: Place, { port, password }: Address): Promise<number> {
  // An own process group: Ctrl-C at the terminal must not reach it before this process.
  const child = spawn(program, ['-'], { cwd: dir, detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
  child.unref();
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  // The configuration goes in by standard input, so that the password is in no process list. Evicting keys or losing
  // them would lose doorbells.
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    'appendonly yes',
    'save ""',
    'maxmemory-policy noeviction',
  ];
  child.stdin.on('error', () => undefined); // It died before it read them: told by its silence.
  child.stdin.end(`${settings.join('\n')}\n`);
  return child.pid ?? 0;
}

async function adopt(note: string): Promise<Instance | null> {
  const left = await readNote(note);
  if (left === null || !isProcessAlive(left.pid)) return null;
  // The server shows its port in its title; anything else under this id is somebody else's.
  const command = await readCommandLine(left.pid);
  if (command !== null && !command.includes(`:${left.port}`)) return null;
  if (await answers(left, 2000)) return left;
  if (command !== null) await stopServer(left.pid);
  return null;
}

async function readNote(note: string): Promise<Instance | null> {
  try {
    return JSON.parse(await readFile(note, 'utf8'));
  } catch {
    return null;
  }
}

/** Whether the server answers before the time is over or its process is gone. */
async function answers(instance: Instance, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  const retryStrategy = () => (performance.now() < deadline && isProcessAlive(instance.pid) ? 20 : null);
  const probe = new Redis(urlOf(instance), { retryStrategy, maxRetriesPerRequest: null, commandTimeout: timeoutMs });
  probe.on('error', () => undefined); // Told by the ping.
  try {
    return (await probe.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    probe.disconnect();
  }
}

function urlOf({ port, password }: Address): string {
  return `redis://:${password}@127.0.0.1:${port}`;
}

async function stopServer(pid: number): Promise<void> {
  if (!isProcessAlive(pid)) return;
  process.kill(pid, 'SIGTERM');
  if (await waitForExit(pid, STOP_TIMEOUT_MS)) return;
  process.kill(pid, 'SIGKILL');
}
