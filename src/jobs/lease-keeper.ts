import pg from 'pg';
import { HeardClient } from '../db/heard-client.ts';
import { startLoop } from '../lib/wakeable-loop.ts';
import type { JobLease } from './job-fence.ts';
import type { JobWish } from './lifecycle/job-life.ts';

export interface LeaseWatcher {
  /** The lease is lost, or could not be confirmed for so long that another worker may soon have the job. Called once. */
  readonly onLost: () => void;
  /** What the job's owner wants. May be called again. */
  readonly onWish: (wish: JobWish) => void;
}

export interface LeaseKeeper {
  /** Keeps a lease alive until the returned function is called. `claimedAt` is when its claim was sent, by the same clock. */
  watch(lease: JobLease, watcher: LeaseWatcher, claimedAt: number): () => void;
  /** Looks at the rows now, because one of them changed. */
  check(): void;
  close(): Promise<void>;
}

export interface LeaseKeeperOptions {
  readonly databaseUrl: string;
  readonly leaseSeconds: number;
  /** Monotonic milliseconds: a change of the wall clock must neither keep nor lose a lease. */
  readonly now: () => number;
  readonly onError: (error: Error) => void;
}

interface WatchedLease extends LeaseWatcher {
  readonly lease: JobLease;
  /** When the last heartbeat that succeeded was sent. */
  confirmedAt: number;
}

const HEARTBEAT_MS = 2000;
const SELF_FENCE_CHECK_MS = 250;

/**
 * Renews all leases of this process with one statement every two seconds, over a connection of its own, so that neither a
 * busy pool nor a slow commit delays it. A worker that is cut off from the database gives its jobs up by its own clock
 * after two thirds of a lease, before anyone else can take them.
 */
export function createLeaseKeeper(options: LeaseKeeperOptions): LeaseKeeper {
  const { leaseSeconds, now, onError } = options;
  const leaseMs = leaseSeconds * 1000;
  const watched = new Set<WatchedLease>();
  const pool = heartbeatPool(options);

  const lose = (watcher: WatchedLease): void => {
    if (watched.delete(watcher)) watcher.onLost();
  };

  const beat = async (): Promise<void> => {
    const asked = [...watched];
    if (asked.length === 0) return;
    const sentAt = now();
    const held = await renew(pool, asked, leaseSeconds);
    for (const watcher of asked) {
      const wish = held.get(watcher.lease.jobId);
      if (wish === undefined) lose(watcher);
      else watcher.confirmedAt = sentAt;
      if (wish && watched.has(watcher)) watcher.onWish(wish);
    }
  };

  const selfFence = setInterval(() => {
    for (const watcher of [...watched]) if (now() - watcher.confirmedAt > (leaseMs * 2) / 3) lose(watcher);
  }, SELF_FENCE_CHECK_MS);
  const loop = startLoop(beat, { intervalMs: Math.min(HEARTBEAT_MS, leaseMs / 6), onError });

  return {
    watch: (lease, watcher, claimedAt) => {
      const entry: WatchedLease = { ...watcher, lease, confirmedAt: claimedAt };
      watched.add(entry);
      return () => void watched.delete(entry);
    },
    check: () => loop.wake(),
    close: async () => {
      clearInterval(selfFence);
      await loop.close();
      await pool.end();
    },
  };
}

function heartbeatPool({ databaseUrl, onError }: LeaseKeeperOptions): pg.Pool {
  const pool = new pg.Pool({
    Client: HeardClient,
    connectionString: databaseUrl,
    max: 1,
    connectionTimeoutMillis: HEARTBEAT_MS,
    // A server that takes the statement and never answers is as good as none.
    query_timeout: HEARTBEAT_MS,
    options: `-c statement_timeout=${HEARTBEAT_MS}`,
    application_name: 'alma-heartbeat',
  });
  pool.on('error', onError);
  return pool;
}

/** Renews the leases that are still held: the event `heartbeat` of many jobs in one statement. Returns those jobs with their owners' wishes. */
async function renew(pool: pg.Pool, asked: readonly WatchedLease[], leaseSeconds: number): Promise<Map<string, JobWish | null>> {
  const { rows } = await pool.query<{ id: string; wish: JobWish | null }>(
    `UPDATE job SET lease_until = now() + make_interval(secs => $1)
       FROM unnest($2::text[], $3::int[]) AS held(job_id, held_fence)
      WHERE id = job_id AND fence = held_fence AND status = 'running' RETURNING id, wish`,
    [leaseSeconds, asked.map(({ lease }) => lease.jobId), asked.map(({ lease }) => lease.fence)],
  );
  return new Map(rows.map((row) => [row.id, row.wish]));
}
