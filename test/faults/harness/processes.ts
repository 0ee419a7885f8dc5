import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../', import.meta.url);
const FAULTY = new URL('../programs/faulty.ts', import.meta.url).href;
const READY_MS = 60_000;
const POLL_MS = 10;

export interface KeptOptions {
  /** The program, by its path from the root of the repository. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  /** The line by which it says that it is ready. */
  readonly ready: RegExp;
}

export interface Death {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of the product that is started again whenever it ends, as a container's host would. */
export interface Kept {
  /** Of the process that runs now. */
  readonly pid: number;
  /** Everything that its processes have written. */
  readonly lines: readonly string[];
  readonly deaths: readonly Death[];
  signal(signal: NodeJS.Signals): void;
  /** Ends the process at once; the next one, and only that, has more in its environment. */
  restart(once?: Readonly<Record<string, string>>): Promise<void>;
  /** Resolves when the process that runs now, or is being started, is ready. */
  ready(): Promise<void>;
  /** Ends it, by default at once, and does not start it again. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function keep(options: KeptOptions, once: Readonly<Record<string, string>> = {}): Promise<Kept> {
  const kept = startKept(options, once);
  await kept.ready();
  return kept;
}

function startKept({ file, env, ready }: KeptOptions, first: Readonly<Record<string, string>>): Kept {
  const lines: string[] = [];
  const deaths: Death[] = [];
  let stopped = false;
  let once = first;
  let child: ChildProcess;
  let ended: Promise<void>;
  let isReady = false;

  const start = (): void => {
    isReady = false;
    const next = fork(fileURLToPath(new URL(file, ROOT)), {
      env: { ...process.env, ...env, ...once },
      execArgv: ['--import', FAULTY],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    once = {};
    child = next;
    for (const input of [next.stdout, next.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on('line', (line) => {
        lines.push(line);
        if (child === next && ready.test(line)) isReady = true;
      });
    }
    ended = new Promise((resolve) => {
      next.once('exit', (code, signal) => {
        deaths.push({ pid: next.pid ?? 0, code, signal });
        if (!stopped) start();
        resolve();
      });
    });
  };
  start();

  const becomeReady = async (): Promise<void> => {
    const deadline = performance.now() + READY_MS;
    while (!isReady) {
      if (performance.now() > deadline) throw new Error(`${file} does not become ready:\n${lines.slice(-20).join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  return {
    get pid() {
      return child.pid ?? 0;
    },
    lines,
    deaths,
    signal: (signal) => void child.kill(signal),
    restart: async (environment = {}) => {
      once = environment;
      child.kill('SIGKILL');
      await ended;
      await becomeReady();
    },
    ready: becomeReady,
    stop: async (signal = 'SIGKILL') => {
      stopped = true;
      child.kill(signal);
      await ended;
    },
  };
}

/** Seconds of processor time that a process and its threads have used. */
export function cpuSeconds(pid: number): number {
  // proc(5): the name in parentheses may hold anything; utime and stime are the 12th and 13th field behind it.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const TICKS_A_SECOND = 100;
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** Bytes of memory that a process holds now. */
export function residentBytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return pages * 4096;
}
