import type { ClientBase } from 'pg';
import type { WorkerMatch } from './lifecycle/job-life.ts';

/** A worker not heard of for so long is taken for gone. */
export const LIVE_SECONDS = 15;

/** Whose bits a state holds, and which bits a worker computes. */
export interface EngineIdentity {
  /** Version of the engine's numbers. */
  readonly engine: string;
  /** Variant of the kernels, e.g. `native-avx512`. */
  readonly backend: string;
}

/** Variants whose kernels give the same bits; any other one stands for itself. */
const SAME_BITS: readonly (readonly string[])[] = [['native-avx2', 'native-avx512']];

/** All variants that go on with a state of this one as it would itself. */
function variantsLike(backend: string): readonly string[] {
  return SAME_BITS.find((variants) => variants.includes(backend)) ?? [backend];
}

/** Whether a worker goes on from a checkpoint as the one that made it would have: to the same bits. */
export function goesOnFrom(worker: EngineIdentity, checkpoint: { engine: string | null; backend: string | null }): boolean {
  const { engine, backend } = checkpoint;
  if (engine === null || backend === null) return true; // From before it was kept.
  return engine === worker.engine && variantsLike(backend).includes(worker.backend);
}

/** Whether a worker may take a job up: its newest checkpoint decides, and a job without one is anybody's. */
export async function findMatch(client: ClientBase, jobId: string, worker: EngineIdentity): Promise<WorkerMatch> {
  const { rows } = await client.query<{ engine: string | null; backend: string | null }>(
    'SELECT engine, backend FROM checkpoint WHERE job_id = $1 ORDER BY epoch DESC LIMIT 1',
    [jobId],
  );
  const [newest] = rows;
  if (newest === undefined || newest.backend === null || goesOnFrom(worker, newest)) return 'here';
  const { rowCount } = await client.query(
    `SELECT FROM worker WHERE engine = $1 AND backend = ANY($2) AND last_heartbeat_at > now() - make_interval(secs => $3) LIMIT 1`,
    [newest.engine, variantsLike(newest.backend), LIVE_SECONDS],
  );
  return rowCount === 1 ? 'elsewhere' : 'nowhere';
}

/** Jobs that wait for a worker like this one, held until the transaction ends. */
export async function holdJobsWaitingFor(client: ClientBase, worker: EngineIdentity): Promise<readonly { id: string; attempt: number }[]> {
  const { rows } = await client.query<{ id: string; attempt: number }>(
    `SELECT id, attempt FROM job WHERE status = 'waiting_for_worker' AND NOT EXISTS (
        SELECT FROM (SELECT engine, backend FROM checkpoint WHERE job_id = job.id ORDER BY epoch DESC LIMIT 1) AS newest
         WHERE engine <> $1 OR backend <> ALL($2))
      ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED`,
    [worker.engine, variantsLike(worker.backend)],
  );
  return rows;
}
