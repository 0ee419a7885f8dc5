import { CHANNELS, type Database, type Tx } from '../db/database.ts';
import type { Prisma } from '../db/generated/client.ts';
import { jsonColumn } from '../db/json-column.ts';
import { notify } from '../db/listener.ts';
import { withTransaction } from '../db/transaction.ts';
import { appendEvent } from './event-store.ts';
import { advanceHeld, holdJob } from './job-life-rows.ts';
import { TERMINAL_STATUSES, WAITING_STATUSES } from './job-state.ts';
import type { JobLife, OwnerEvent, Step } from './lifecycle/job-life.ts';
import { allowedVerbs, submitted } from './lifecycle/step.ts';

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
  /** What its owner wants and its worker has not done yet. */
  readonly wish: string | null;
  readonly retries: number;
  readonly forkedFrom: object | null;
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
  /** Where it starts from instead of from the beginning. */
  readonly fork?: JobFork | undefined;
}

/** A job started from the checkpoint of another one, or of itself. */
export interface JobFork {
  readonly job: string;
  readonly checkpoint: string;
  readonly epoch: number;
}

/** An owner's question and what came of it. */
export interface Asked {
  readonly before: JobLife;
  readonly step: Step;
  /** What could be asked instead. */
  readonly allowed: readonly string[];
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
  wish: true,
  retries: true,
  forkedFrom: true,
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
    /** Does what a job's owner asks, as far as its state allows; null without such a job. */
    ask: (project: string, id: string, event: OwnerEvent) => ask(pool, project, id, event),
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
        SELECT id, place::int FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM job WHERE status = ANY(${[...WAITING_STATUSES]})) waiting
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

/** The job as its life begins, with its first event and the doorbell for its first attempt. */
async function insert(tx: Tx, job: NewJob): Promise<void> {
  const { state, effects } = submitted({ datasetReady: true, hasCheckpoint: job.fork !== undefined });
  await tx.job.create({
    data: {
      id: job.id,
      projectId: job.project,
      kind: job.kind,
      status: state.status,
      request: jsonColumn(job.request),
      datasetId: job.datasetId,
      modelName: job.modelName,
      progress: jsonColumn(job.progress),
      receipt: jsonColumn(job.receipt),
      ...(job.fork && { forkedFrom: jsonColumn(job.fork) }),
    },
  });
  for (const effect of effects) {
    if (effect.type === 'tell') await appendEvent(tx, job.id, effect.event);
    if (effect.type === 'ring') {
      await tx.outbox.create({ data: { jobId: job.id, attempt: effect.attempt } });
      await notify(tx, CHANNELS.outbox, job.id);
    }
  }
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

async function ask(pool: Database['pool'], project: string, id: string, event: OwnerEvent): Promise<Asked | null> {
  return withTransaction(pool, async (client) => {
    const held = await holdJob(client, id, project);
    if (held === null) return null;
    const step = await advanceHeld(client, held, event);
    return { before: held.life, step, allowed: allowedVerbs(held.life, held.now) };
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
  // Jobs forked from this one share the bytes they started from.
  await tx.blob.deleteMany({ where: { id: { in: blobs }, checkpoints: { none: {} } } });
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
    forkedFrom: row.forkedFrom as object | null,
    receipt: row.receipt as object,
  };
}
