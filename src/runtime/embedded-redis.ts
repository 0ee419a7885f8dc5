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

export interface EmbeddedRedis {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

interface Instance {
  readonly pid: number;
  readonly port: number;
  readonly password: string;
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
  const note = join(dir, 'instance.json');
  const instance = (await adopt(note)) ?? (await start(program, dir, note));
  return {
    url: urlOf(instance),
    pid: instance.pid,
    stop: async () => {
      await stopServer(instance.pid);
      await rm(note, { force: true });
    },
  };
}

async function start(program: string, dir: string, note: string): Promise<Instance> {
  const port = await findFreePort();
  const password = randomBytes(18).toString('hex');
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
  child.stdin.end(`${settings.join('\n')}\n`);
  const instance = { pid: child.pid ?? 0, port, password };
  await writeFile(note, JSON.stringify(instance), { mode: 0o600 });
  if (await answers(instance, START_TIMEOUT_MS)) return instance;
  await stopServer(instance.pid);
  throw new Error(`${program} did not start`);
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

function urlOf({ port, password }: Instance): string {
  return `redis://:${password}@127.0.0.1:${port}`;
}

async function stopServer(pid: number): Promise<void> {
  if (!isProcessAlive(pid)) return;
  process.kill(pid, 'SIGTERM');
  if (await waitForExit(pid, STOP_TIMEOUT_MS)) return;
  process.kill(pid, 'SIGKILL');
}
