// Keeps one worker process alive beside the API, so that a crash in native code never takes the API down.
// The worker is told everything by its environment; the IPC channel only ties its life to this process.
import { type ChildProcess, fork } from 'node:child_process';
import type { Logger } from 'pino';

export interface WorkerExit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Supervisor {
  /** SIGTERM, and SIGKILL for one that does not end. */
  stop(): Promise<void>;
  /** Ends the worker at once, without waiting. */
  kill(): void;
}

export interface SupervisorOptions {
  /** The file the worker process runs. */
  readonly entry: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Pick<Logger, 'info' | 'error'>;
  /** The place to give back what the dead one held. The next worker starts meanwhile. */
  readonly onDeath: (exit: WorkerExit) => Promise<void>;
}

/** The first restart comes at once: a job waits for it. */
const RESTART_AGAIN_MS = 200;
const RESTART_MAX_MS = 10_000;
/** A worker that lived this long was not broken from the start: the next restart is quick again. */
const HEALTHY_MS = 30_000;
const STOP_TIMEOUT_MS = 15_000;

/** Starts the worker and starts it again whenever it ends, slower each time it ends early. */
export function startSupervisor(options: SupervisorOptions): Supervisor {
  const { logger } = options;
  let child: ChildProcess | null = null;
  let restartTimer: NodeJS.Timeout | undefined;
  let restartMs = 0;
  let stopping = false;

  const ended = (exit: WorkerExit, livedMs: number): void => {
    child = null;
    if (stopping) return;
    logger.error({ worker_pid: exit.pid, code: exit.code, signal: exit.signal }, 'worker_exited');
    options.onDeath(exit).catch((error: unknown) => logger.error({ err: error, worker_pid: exit.pid }, 'worker_release_failed'));
    if (livedMs > HEALTHY_MS) restartMs = 0;
    restartTimer = setTimeout(start, restartMs);
    restartMs = restartMs === 0 ? RESTART_AGAIN_MS : Math.min(restartMs * 2, RESTART_MAX_MS);
  };

  const start = (): void => {
    const startedAt = performance.now();
    // An own process group: at Ctrl-C this process asks the worker to end, not the terminal.
    const next = fork(options.entry, { env: options.env, detached: true });
    child = next;
    let over = false;
    const endOnce = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (over) return;
      over = true;
      ended({ pid: next.pid ?? 0, code, signal }, performance.now() - startedAt);
    };
    next.once('exit', endOnce);
    next.once('error', (error) => {
      logger.error({ err: error }, 'worker_start_failed');
      if (next.pid === undefined) endOnce(null, null);
    });
    if (next.pid !== undefined) logger.info({ worker_pid: next.pid }, 'worker_started');
  };

  start();
  return {
    stop: async () => {
      stopping = true;
      clearTimeout(restartTimer);
      if (child !== null) await endChild(child);
    },
    kill: () => {
      stopping = true;
      clearTimeout(restartTimer);
      child?.kill('SIGKILL');
    },
  };
}

/** SIGTERM, and SIGKILL for one that does not end; resolves when it has ended. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

/** In a process started with an IPC channel: calls the handler when the parent is gone, however it ended. */
export function onParentGone(handler: () => void): void {
  if (process.channel === undefined) return;
  if (process.connected) process.once('disconnect', handler);
  else handler();
}
