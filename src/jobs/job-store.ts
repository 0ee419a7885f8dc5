import { CHANNELS, type Database, type Tx } from '../db/database.ts';
import type { Prisma } from '../db/generated/client.ts';
import { jsonColumn } from '../db/json-column.ts';
import { notify } from '../db/listener.ts';
import { withTransaction } from '../db/transaction.ts';
import { endJob } from './job-ending.ts';
import { isTerminal, isWaiting, TERMINAL_STATUSES } from './job-state.ts';

/** A job's row, without what belongs to its worker. */
export interface StoredJob {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly stopReason: string | null;
  readonly attempt: number;
  readonly request: object;
  readonly progress: JobProgress;
  readonly latestMetrics: object | null;
  readonly best: object | null;
  readonly result: object | null;
  readonly error: object | null;
  readonly receipt: object;
  readonly weightsBlobId: string | null;
  readonly cancelRequested: boolean;
  readonly lastEvent: number;
  readonly createdAt: Date;
}

/** How far a job is; `step` counts updates. Written by the worker at most twice a second. */
export interface JobProgress {
  readonly fraction: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  readonly eta_seconds: number | null;
  readonly samples_per_second: number | null;
}

export interface NewJob {
  readonly id: string;
  readonly project: string;
  readonly kind: string;
  readonly request: object;
  readonly datasetId: string;
  readonly modelName: string | null;
  readonly progress: JobProgress;
  readonly receipt: object;
}

export interface JobFilter {
  readonly status?: string | undefined;
  readonly kind?: string | undefined;
  readonly model?: string | undefined;
  readonly dataset?: string | undefined;
}

/** How the layers of a network did after an epoch. */
export interface EpochDiagnostics {
  readonly epoch: number;
  readonly step: number;
  readonly layers: unknown;
}

export interface StoredEpoch {
  readonly epoch: number;
  readonly step: number;
  readonly metrics: object;
  readonly learningRate: number;
  readonly seconds: number;
}

/** The bytes of a job's weights: a safetensors file in the blob store. */
export interface WeightsBlob {
  readonly id: string;
  readonly bytes: number;
  readonly sha256: string;
}

const columns = {
  id: true,
  kind: true,
  status: true,
  stopReason: true,
  attempt: true,
  request: true,
  progress: true,
  latestMetrics: true,
  best: true,
  result: true,
  error: true,
  receipt: true,
  weightsBlobId: true,
  cancelRequested: true,
  lastEvent: true,
  createdAt: true,
} as const satisfies Prisma.JobSelect;

export type JobStore = ReturnType<typeof createJobStore>;

/** Rows of jobs as the API reads and changes them. What a worker writes is fenced and lives in `execution-store.ts`. */
export function createJobStore({ prisma, pool }: Pick<Database, 'prisma' | 'pool'>) {
  return {
    /** Runs `work` in one transaction. */
    transaction: <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => prisma.$transaction(work),
    holdDataset,
    insert,
    lockStatus,
    remove,
    cancel: (project: string, id: string) => cancel(pool, project, id),
    /** The job, read inside `tx` when that has not committed yet. */
    async find(project: string, id: string, tx: Tx = prisma): Promise<StoredJob | null> {
      const row = await tx.job.findUnique({ where: { id, projectId: project }, select: columns });
      return row === null ? null : storedJob(row);
    },

    /** Newest first; `before` is the id of the last one seen. */
    async list(project: string, filter: JobFilter, take: number, before: string | null): Promise<StoredJob[]> {
      const where: Prisma.JobWhereInput = { projectId: project };
      if (before !== null) where.id = { lt: before };
      if (filter.status !== undefined) where.status = filter.status;
      if (filter.kind !== undefined) where.kind = filter.kind;
      if (filter.model !== undefined) where.modelName = filter.model;
      if (filter.dataset !== undefined) where.datasetId = filter.dataset;
      const rows = await prisma.job.findMany({ where, select: columns, orderBy: { id: 'desc' }, take });
      return rows.map(storedJob);
    },

    /** Places in the queue, from 1, of those of `ids` that wait in it. */
    async queuePositions(ids: readonly string[], tx: Tx = prisma): Promise<Map<string, number>> {
      if (ids.length === 0) return new Map();
      const rows = await tx.$queryRaw<{ id: string; place: number }[]>`
        SELECT id, place::int FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM job WHERE status IN ('queued', 'interrupted')) waiting
         WHERE id = ANY(${[...ids]})`;
      return new Map(rows.map(({ id, place }) => [id, place]));
    },

    /** Epochs after `epoch`, oldest first. */
    async epochs(jobId: string, take: number, after: number): Promise<StoredEpoch[]> {
      const rows = await prisma.epoch.findMany({
        where: { jobId, epoch: { gt: after } },
        orderBy: { epoch: 'asc' },
        take,
        omit: { diagnostics: true },
      });
      return rows.map((row) => ({ ...row, metrics: row.metrics as object }));
    },

    /** Epochs after `epoch` that have diagnostics, oldest first. */
    async diagnostics(jobId: string, take: number, after: number): Promise<EpochDiagnostics[]> {
      const rows = await prisma.epoch.findMany({
        where: { jobId, epoch: { gt: after } },
        select: { epoch: true, step: true, diagnostics: true },
        orderBy: { epoch: 'asc' },
        take,
      });
      return rows.map(({ diagnostics, ...at }) => ({ ...at, layers: diagnostics }));
    },

    async weights(blobId: string): Promise<WeightsBlob | null> {
      const blob = await prisma.blob.findUnique({ where: { id: blobId } });
      return blob === null ? null : { id: blob.id, bytes: Number(blob.bytes), sha256: blob.sha256 };
    },
  };
}

/** The queued job and the doorbell for its first attempt, with the notifications of both. */
async function insert(tx: Tx, job: NewJob): Promise<void> {
  await tx.job.create({
    data: {
      id: job.id,
      projectId: job.project,
      kind: job.kind,
      status: 'queued',
      request: jsonColumn(job.request),
      datasetId: job.datasetId,
      modelName: job.modelName,
      progress: jsonColumn(job.progress),
      receipt: jsonColumn(job.receipt),
    },
  });
  await tx.outbox.create({ data: { jobId: job.id, attempt: 1 } });
  await notify(tx, CHANNELS.outbox, job.id);
  await notify(tx, CHANNELS.jobChanged, job.id);
}

/** The status, holding the row until `tx` ends, so that no worker can change it meanwhile. */
async function lockStatus(tx: Tx, project: string, id: string): Promise<string | null> {
  const rows = await tx.$queryRaw<{ status: string }[]>`SELECT status FROM job WHERE id = ${id} AND project_id = ${project} FOR UPDATE`;
  return rows[0]?.status ?? null;
}

/** Keeps the dataset from being deleted until `tx` ends. False when it is already gone. */
async function holdDataset(tx: Tx, project: string, id: string): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>`SELECT 1 FROM dataset WHERE id = ${id} AND project_id = ${project} FOR KEY SHARE`;
  return rows.length > 0;
}

/** What there was to cancel: the status before, or null without such a job. Ended jobs are left as they are. */
async function cancel(pool: Database['pool'], project: string, id: string): Promise<string | null> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ status: string }>('SELECT status FROM job WHERE id = $1 AND project_id = $2 FOR UPDATE', [
      id,
      project,
    ]);
    const status = rows[0]?.status ?? null;
    if (status === null || isTerminal(status)) return status;
    await client.query('UPDATE job SET cancel_requested = true WHERE id = $1', [id]);
    if (isWaiting(status)) {
      await endJob(client, id, { status: 'cancelled' });
    } else {
      await client.query('SELECT pg_notify($1, $3), pg_notify($2, $3)', [CHANNELS.jobCancel, CHANNELS.jobChanged, id]);
    }
    return status;
  });
}

/** Deletes an ended job with its epochs, events and checkpoints. The weights stay while a model version refers to them. */
async function remove(tx: Tx, id: string): Promise<void> {
  const job = await tx.job.delete({
    where: { id, status: { in: [...TERMINAL_STATUSES] } },
    select: { weightsBlobId: true, checkpoints: { select: { blobId: true } } },
  });
  const blobs = job.checkpoints.map(({ blobId }) => blobId);
  if (job.weightsBlobId !== null) {
    const versions = await tx.modelVersion.count({ where: { weightsBlobId: job.weightsBlobId } });
    if (versions === 0) blobs.push(job.weightsBlobId);
  }
  await tx.blob.deleteMany({ where: { id: { in: blobs } } });
}

function storedJob(row: Prisma.JobGetPayload<{ select: typeof columns }>): StoredJob {
  return {
    ...row,
    request: row.request as object,
    progress: row.progress as object as JobProgress,
    latestMetrics: row.latestMetrics as object | null,
    best: row.best as object | null,
    result: row.result as object | null,
    error: row.error as object | null,
    receipt: row.receipt as object,
  };
}
