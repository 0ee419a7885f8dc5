import type { Pool, PoolClient } from 'pg';
import type { BlobStore } from '../blobs/blob-store.ts';
import { CHANNELS } from '../db/database.ts';
import { withTransaction } from '../db/transaction.ts';
import type { LayerDiagnostics } from '../engine/index.ts';
import { type FiniteResults, finiteNumbers, finiteResults } from '../lib/finite-json.ts';
import type { EpochRecord } from '../threads/protocol.ts';
import { findCheckpointId, insertCheckpoint, thinCheckpoints } from './checkpoint-keeping.ts';
import type { EngineIdentity } from './checkpoint-match.ts';
import { appendEvents } from './execution-events.ts';
import { advanceFenced, holdFence, type JobLease } from './job-fence.ts';
import type { JobProgress } from './job-store.ts';

export interface EpochCommit {
  /** Oldest first; never empty. */
  readonly epochs: readonly EpochRecord[];
  /** The engine state after the last of them, to be kept as a checkpoint. */
  readonly state: Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly progress: JobProgress;
  /** How many of the newest checkpoints stay. */
  readonly keep: number;
}

export interface EpochCommitDeps {
  readonly pool: Pool;
  readonly blobs: BlobStore;
  readonly leaseSeconds: number;
  /** Whose bits the states hold. */
  readonly identity: EngineIdentity;
}

/** An epoch computed again after a resume differs from the one stored before: the run cannot be trusted. */
export class DeterminismError extends Error {
  readonly epoch: number;

  constructor(epoch: number) {
    super(`epoch ${epoch}, computed again after a resume, differs from the one stored before`);
    this.name = 'DeterminismError';
    this.epoch = epoch;
  }
}

/**
 * Stores epochs, their events, the checkpoint and the job's progress in one fenced transaction that also renews the lease.
 * An epoch that is already stored is compared instead. Throws LeaseLostError or DeterminismError, and then nothing is stored.
 */
export function commitEpochs(deps: EpochCommitDeps, lease: JobLease, commit: EpochCommit): Promise<void> {
  return withTransaction(deps.pool, async (client) => {
    const blob = commit.state === null ? null : await deps.blobs.write(client, commit.state);
    await holdFence(client, lease);
    const rows = commit.epochs.map(epochRow);
    const inserted = await insertEpochs(client, lease, rows);
    const known = rows.filter(({ epoch }) => !inserted.has(epoch));
    if (known.length > 0) await compareEpochs(client, lease.jobId, known);
    const fresh = rows.filter(({ epoch }) => inserted.has(epoch)).map((row) => ({ type: 'epoch', data: shownEpoch(row) }) as const);
    await appendEvents(client, lease.jobId, fresh);
    const isKept = blob !== null && (await keepCheckpoint(client, lease.jobId, commit, { blobId: blob.id, ...deps.identity }));
    await updateJob(client, lease.jobId, { ...commit, ...deps.identity });
    await advanceFenced(client, lease, { type: 'epochs_committed', leaseMs: deps.leaseSeconds * 1000, checkpoint: isKept });
    if (blob !== null) await thinCheckpoints(client, lease.jobId, commit.keep);
  });
}

/** An epoch as it is stored. */
interface EpochRow {
  readonly epoch: number;
  readonly step: number;
  readonly metrics: FiniteResults;
  readonly learning_rate: number;
  readonly seconds: number;
  /** Null where the job did not ask for them. */
  readonly diagnostics: readonly object[] | null;
}

function epochRow({ epoch, step, metrics, matrices, learning_rate, seconds, layers }: EpochRecord): EpochRow {
  return { epoch, step, metrics: finiteResults(metrics, matrices), learning_rate, seconds, diagnostics: layers?.map(finiteLayer) ?? null };
}

/** An epoch as the API shows it; diagnostics have a list of their own. */
function shownEpoch({ diagnostics: _, ...row }: EpochRow): object {
  return row;
}

/** A layer's numbers as JSON; what a layer does not have stays null. */
function finiteLayer({ layer, ...numbers }: LayerDiagnostics): object {
  const present = Object.entries(numbers).filter((entry): entry is [string, number] => entry[1] !== null);
  return { layer, ...numbers, ...finiteNumbers(Object.fromEntries(present)) };
}

async function insertEpochs(client: PoolClient, { jobId, fence }: JobLease, rows: readonly EpochRow[]): Promise<Set<number>> {
  const { rows: inserted } = await client.query<{ epoch: number }>(
    `INSERT INTO epoch (job_id, epoch, step, metrics, learning_rate, seconds, diagnostics, fence)
     SELECT $1, e.*, $2 FROM unnest($3::int[], $4::int[], $5::json[], $6::float8[], $7::float8[], $8::json[]) AS e
     ON CONFLICT (job_id, epoch) DO NOTHING RETURNING epoch`,
    [
      jobId,
      fence,
      rows.map((row) => row.epoch),
      rows.map((row) => row.step),
      rows.map((row) => JSON.stringify(row.metrics)),
      rows.map((row) => row.learning_rate),
      rows.map((row) => row.seconds),
      rows.map((row) => (row.diagnostics === null ? null : JSON.stringify(row.diagnostics))),
    ],
  );
  return new Set(inserted.map((row) => row.epoch));
}

/** Everything but the time taken must be equal, to the last bit. */
async function compareEpochs(client: PoolClient, jobId: string, rows: readonly EpochRow[]): Promise<void> {
  const { rows: stored } = await client.query<EpochRow>(
    'SELECT epoch, step, metrics, learning_rate, diagnostics FROM epoch WHERE job_id = $1 AND epoch = ANY($2)',
    [jobId, rows.map((row) => row.epoch)],
  );
  const storedByEpoch = new Map(stored.map((row) => [row.epoch, fingerprint(row)]));
  for (const row of rows) if (storedByEpoch.get(row.epoch) !== fingerprint(row)) throw new DeterminismError(row.epoch);
}

function fingerprint({ step, metrics, learning_rate, diagnostics }: Omit<EpochRow, 'seconds'>): string {
  return JSON.stringify([step, metrics, learning_rate, diagnostics]);
}

/** Whether it is a new one: the same commit may come twice. */
async function keepCheckpoint(
  client: PoolClient,
  jobId: string,
  commit: EpochCommit,
  state: EngineIdentity & { readonly blobId: string },
): Promise<boolean> {
  const { epoch, step } = newest(commit);
  const id = await insertCheckpoint(client, { jobId, epoch, step, ...state });
  if (id === null) return false;
  await appendEvents(client, jobId, [{ type: 'checkpoint', data: { checkpoint: id, epoch, step } }]);
  return true;
}

async function updateJob(client: PoolClient, jobId: string, commit: EpochCommit & EngineIdentity): Promise<void> {
  const { best, metrics, matrices } = newest(commit);
  const checkpoint = await findCheckpointId(client, jobId, best.epoch);
  const bestJson = { epoch: best.epoch, metric: best.metric, ...finiteNumbers({ value: best.value }), checkpoint };
  await client.query('UPDATE job SET progress = $2, latest_metrics = $3, best = $4, engine = $5, backend = $6 WHERE id = $1', [
    jobId,
    JSON.stringify(commit.progress),
    JSON.stringify(finiteResults(metrics, matrices)),
    JSON.stringify(bestJson),
    commit.engine,
    commit.backend,
  ]);
  await client.query('SELECT pg_notify($1, $2)', [CHANNELS.jobChanged, jobId]);
}

function newest({ epochs }: EpochCommit): EpochRecord {
  const last = epochs.at(-1);
  if (last === undefined) throw new Error('a commit without epochs');
  return last;
}
