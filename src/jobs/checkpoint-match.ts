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

/**
 * Jobs, each with whose bits it has: those of its newest checkpoint, without one those of its epochs, for they are computed again and
 * compared. One that has neither is anybody's.
 */
const JOBS = `
  job LEFT JOIN LATERAL (SELECT id, engine, backend FROM checkpoint WHERE job_id = job.id ORDER BY epoch DESC LIMIT 1) newest ON true
      CROSS JOIN LATERAL (SELECT CASE WHEN newest.id IS NULL THEN job.engine ELSE newest.engine END AS engine,
                                 CASE WHEN newest.id IS NULL THEN job.backend ELSE newest.backend END AS backend) bits`;

/** Whether a worker may take a job up, and whose bits the job has. */
export async function findMatch(
  client: ClientBase,
  jobId: string,
  worker: EngineIdentity,
): Promise<{ match: WorkerMatch; bits: EngineIdentity | null }> {
  const { rows } = await client.query<{ engine: string | null; backend: string | null }>(
    `SELECT bits.engine, bits.backend FROM ${JOBS} WHERE job.id = $1`,
    [jobId],
  );
  const { engine = null, backend = null } = rows[0] ?? {};
  if (engine === null || backend === null) return { match: 'here', bits: null };
  const bits = { engine, backend };
  if (goesOnFrom(worker, bits)) return { match: 'here', bits };
  const { rowCount } = await client.query(
    `SELECT FROM worker WHERE engine = $1 AND backend = ANY($2) AND last_heartbeat_at > now() - make_interval(secs => $3) LIMIT 1`,
    [engine, variantsLike(backend), LIVE_SECONDS],
  );
  return { match: rowCount === 1 ? 'elsewhere' : 'nowhere', bits };
}

/** Jobs that wait for a worker like this one, held until the transaction ends. */
export async function holdJobsWaitingFor(client: ClientBase, worker: EngineIdentity): Promise<readonly { id: string; attempt: number }[]> {
  const { rows } = await client.query<{ id: string; attempt: number }>(
    `SELECT job.id, job.attempt FROM ${JOBS}
      WHERE job.status = 'waiting_for_worker' AND NOT coalesce(bits.engine <> $1 OR bits.backend <> ALL($2), false)
      ORDER BY job.id LIMIT 100 FOR UPDATE OF job SKIP LOCKED`,
    [worker.engine, variantsLike(worker.backend)],
  );
  return rows;
}
