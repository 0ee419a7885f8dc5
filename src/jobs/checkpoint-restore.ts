// Where an attempt goes on from: the newest checkpoint that is whole. A damaged one is reported and removed, and the one
// before it is as good: it gives the same bits, later.

import type { Pool } from 'pg';
import { BlobError } from '../blobs/blob-store.ts';
import type { Spool } from '../lib/spool.ts';
import { removeCheckpoints } from './checkpoint-keeping.ts';
import { type EngineIdentity, goesOnFrom } from './checkpoint-match.ts';
import type { CheckpointStore, StoredCheckpoint } from './checkpoint-store.ts';
import { appendEvents } from './execution-events.ts';
import type { ClaimedJob } from './execution-store.ts';
import { withFence } from './job-fence.ts';
import { appendLog } from './job-log.ts';

export interface RestoreDeps {
  readonly pool: Pool;
  readonly checkpoints: Pick<CheckpointStore, 'list' | 'spool'>;
  readonly identity: EngineIdentity;
}

/** A state read back, to train on from. */
export interface ResumePoint {
  readonly epoch: number;
  readonly step: number;
  /** To be closed by whoever goes on from it. */
  readonly state: Spool;
}

export type RestoredJob = Pick<ClaimedJob, 'lease' | 'attempt' | 'isFork'>;

/** More than any job keeps by its policy. */
const LOOKED_AT_MAX = 1000;

/**
 * Reads the newest whole checkpoint that this worker can go on from, and says in the job's events which it is. Null starts
 * from the beginning. Throws LeaseLostError, and BlobError where a fork has nothing else to start from than what is damaged: its
 * beginning would be that of another job.
 */
export async function restoreNewest(deps: RestoreDeps, job: RestoredJob, signal: AbortSignal): Promise<ResumePoint | null> {
  const { lease, attempt } = job;
  const damaged: { checkpoint: StoredCheckpoint; problem: string }[] = [];
  const found = await newestWhole(deps, { jobId: lease.jobId, signal }, (checkpoint, problem) => damaged.push({ checkpoint, problem }));
  const [worst] = damaged;
  if (found === null && worst !== undefined && job.isFork) throw new BlobError(worst.checkpoint.blobId, worst.problem);
  await withFence(deps.pool, lease, async (client) => {
    await removeCheckpoints(
      client,
      damaged.map(({ checkpoint }) => checkpoint.id),
    );
    await appendEvents(client, lease.jobId, [
      ...damaged.map(({ checkpoint, problem }) => ({ type: 'warning', data: damageWarning(checkpoint, problem, found) }) as const),
      ...(found === null ? [] : [{ type: 'resumed', data: { attempt, epoch: found.epoch } } as const]),
    ]);
    await appendLog(client, lease.jobId, [
      ...damaged.map(({ checkpoint, problem }) => ({ level: 'warn', message: damageWarning(checkpoint, problem, found).detail }) as const),
      { level: 'info', message: startLine(deps.identity, attempt, found) },
    ]);
  });
  return found;
}

async function newestWhole(
  { checkpoints, identity }: RestoreDeps,
  { jobId, signal }: { jobId: string; signal: AbortSignal },
  onDamage: (checkpoint: StoredCheckpoint, problem: string) => void,
): Promise<ResumePoint | null> {
  for (const checkpoint of await checkpoints.list(jobId, LOOKED_AT_MAX)) {
    if (!goesOnFrom(identity, checkpoint)) continue;
    try {
      return { epoch: checkpoint.epoch, step: checkpoint.step, state: await checkpoints.spool(checkpoint, signal) };
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
      onDamage(checkpoint, error.problem);
    }
  }
  return null;
}

function startLine({ engine, backend }: EngineIdentity, attempt: number, found: ResumePoint | null): string {
  const from = found === null ? 'starts from the beginning' : `goes on after epoch ${found.epoch}`;
  return `Attempt ${attempt} ${from}, with engine ${engine} on ${backend}.`;
}

function damageWarning({ id, epoch }: StoredCheckpoint, problem: string, found: ResumePoint | null) {
  const instead = found === null ? 'from the beginning' : `from the one after epoch ${found.epoch}`;
  return {
    code: 'checkpoint_damaged',
    detail: `The checkpoint ${id} after epoch ${epoch} ${problem}: it was removed, and the job goes on ${instead}.`,
  };
}
