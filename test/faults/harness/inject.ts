import { KILL_POINTS, type KillPointName } from '../programs/kill-points.ts';
import type { Kept } from './processes.ts';
import type { World } from './world.ts';

const REACHED_MS = 60_000;

export interface DieOptions {
  /** At which pass of the point. */
  readonly pass?: number;
  /** What brings it there, when nothing does by itself. */
  readonly meanwhile?: () => Promise<unknown>;
  /** Whether nothing will bring it there any more: then it may live. */
  readonly isOver?: () => Promise<boolean>;
}

/** Has a process die at a kill point, and waits until the next one is there. It is restarted for that, which is a kill by itself. */
export async function dieAt(
  { report }: World,
  process: Kept,
  point: KillPointName,
  { pass = 1, meanwhile, isOver }: DieOptions = {},
): Promise<void> {
  const written = process.lines.length;
  const deaths = process.deaths.length;
  await process.restart({ KILL_AT: `${point}:${pass}` });
  await meanwhile?.();
  const reached = await report.within(`a process reaches ${point} (${KILL_POINTS[point].what})`, REACHED_MS, async () => {
    if (process.deaths.length >= deaths + 2 && process.lines.indexOf(`killed at ${point}`, written) >= 0) return 'died';
    return (await isOver?.()) ? 'over' : null;
  });
  if (reached === 'died') report.injected(`kill -9 at ${point}`);
  await process.ready();
}

/** Kills a process at a time of no meaning; returns when the next one is ready. */
export async function kill({ report }: World, process: Kept, what: string): Promise<void> {
  report.injected(`kill -9 of ${what}`);
  await process.restart();
}

/** Ends PostgreSQL and starts it again. */
export async function breakPostgres({ report, servers }: World, signal: NodeJS.Signals): Promise<void> {
  report.injected(`${signal} to PostgreSQL`);
  await servers.postgres.end(signal);
  await servers.postgres.restart();
}

/** Ends Redis and starts it again on what it has written. */
export async function breakRedis({ report, servers }: World): Promise<void> {
  if (servers.redis === null) throw new Error('there is no Redis to break');
  report.injected('kill -9 of Redis');
  await servers.redis.end('SIGKILL');
  await servers.redis.restart();
}

/** Has the queue forget every message. */
export async function emptyQueue({ report, servers, queue, query }: World): Promise<void> {
  report.injected(queue === 'redis' ? 'FLUSHALL' : 'DELETE of all messages');
  if (queue === 'redis') await servers.redis?.flush();
  else await query('DELETE FROM bullmq.job');
}

/** The epoch a job has a checkpoint of beyond `epoch`, or null when it ended before it got there. */
export async function checkpointBeyond({ report, query }: World, job: string, epoch: number): Promise<number | null> {
  const found = await report.within(`job ${job} gets beyond epoch ${epoch}`, REACHED_MS, async () => {
    const [row] = await query<{ at: number; over: boolean }>(
      `SELECT coalesce((SELECT max(epoch) FROM checkpoint WHERE job_id = $1), 0)::int AS at, ended_at IS NOT NULL AS over FROM job WHERE id = $1`,
      [job],
    );
    return row !== undefined && (row.over || row.at > epoch) ? row : null;
  });
  return found.over ? null : found.at;
}

/** The epoch a job has a checkpoint of beyond `epoch`, and from which it goes on. */
export async function hasCheckpoint(world: World, job: string, epoch = 0): Promise<number> {
  const reached = await checkpointBeyond(world, job, epoch);
  if (reached === null) throw new Error(`job ${job} ended before a fault could meet it`);
  return reached;
}

/** The one of the processes that runs the job, if one does. */
export async function holderOf({ query }: World, job: string, processes: readonly Kept[]): Promise<Kept | null> {
  const [row] = await query<{ pid: number }>('SELECT pid FROM worker JOIN job ON job.worker_id = worker.id WHERE job.id = $1', [job]);
  return processes.find(({ pid }) => pid === row?.pid) ?? null;
}
