import type { Database, Tx } from '../db/database.ts';
import { Prisma, type Dataset as Row } from '../db/generated/client.ts';
import { TERMINAL_STATUSES } from '../jobs/job-state.ts';
import type { ColumnSchema } from './table.ts';

/** A dataset as other features see it. */
export interface DatasetInfo {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly status: string;
  readonly rows: number;
  /** Size and SHA-256 of the table as it is kept; equal tables have equal ones. */
  readonly bytes: number;
  readonly sha256: string;
  readonly schema: readonly ColumnSchema[];
  readonly createdAt: Date;
}

/** A dataset with the place of its bytes. */
export interface StoredDataset extends DatasetInfo {
  readonly blobId: string;
}

export type NewDataset = Omit<StoredDataset, 'version' | 'status' | 'createdAt'>;

export interface DatasetStore {
  /** `alongside` runs in the same transaction. */
  create(project: string, dataset: NewDataset, alongside: (tx: Tx, created: StoredDataset) => Promise<void>): Promise<StoredDataset>;
  find(project: string, id: string): Promise<StoredDataset | null>;
  /** Newest first, those after `after`. */
  list(project: string, limit: number, after: string | null): Promise<StoredDataset[]>;
  rename(project: string, id: string, name: string): Promise<StoredDataset | null>;
  /** Removes row and bytes, unless a job that has not ended uses them. Ended jobs keep their receipt and lose the reference. */
  remove(project: string, id: string): Promise<'removed' | 'absent' | 'in_use'>;
}

export function createDatasetStore({ database: { prisma } }: { database: Database }): DatasetStore {
  return {
    create: (project, { bytes, schema, ...rest }, alongside) =>
      prisma.$transaction(async (tx) => {
        const row = await tx.dataset.create({
          data: {
            ...rest,
            projectId: project,
            status: 'ready',
            bytes: BigInt(bytes),
            schema: schema.map((column) => ({ ...jsonOf(column) })),
          },
        });
        const created = domain(row);
        await alongside(tx, created);
        return created;
      }),
    find: async (project, id) => {
      const row = await prisma.dataset.findUnique({ where: { projectId_id: { projectId: project, id } } });
      return row && domain(row);
    },
    list: async (project, limit, after) => {
      const rows = await prisma.dataset.findMany({
        where: { projectId: project, ...(after !== null && { id: { lt: after } }) },
        orderBy: { id: 'desc' },
        take: limit,
      });
      return rows.map(domain);
    },
    rename: async (project, id, name) => {
      const [row] = await prisma.dataset.updateManyAndReturn({ where: { projectId: project, id }, data: { name } });
      return row === undefined ? null : domain(row);
    },
    remove: async (project, id) => {
      try {
        return await prisma.$transaction((tx) => removeDataset(tx, project, id));
      } catch (error) {
        // A job was posted between the question and the deletion.
        if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2003') return 'in_use';
        throw error;
      }
    },
  };
}

async function removeDataset(tx: Tx, project: string, id: string): Promise<'removed' | 'absent' | 'in_use'> {
  const where = { projectId: project, datasetId: id };
  if ((await tx.job.count({ where: { ...where, status: { notIn: [...TERMINAL_STATUSES] } } })) > 0) return 'in_use';
  await tx.job.updateMany({ where: { ...where, status: { in: [...TERMINAL_STATUSES] } }, data: { datasetId: null } });
  const row = await tx.dataset.findUnique({ where: { projectId_id: { projectId: project, id } } });
  if (row === null) return 'absent';
  const { count } = await tx.dataset.deleteMany({ where: { projectId: project, id } });
  if (count === 0) return 'absent';
  await tx.blob.deleteMany({ where: { id: row.blobId } });
  return 'removed';
}

function domain({ id, name, version, status, rows, bytes, sha256, schema, blobId, createdAt }: Row): StoredDataset {
  // Written by `create`, which takes nothing but column schemas.
  const columns: unknown = schema;
  return { id, name, version, status, rows, bytes: Number(bytes), sha256, schema: columns as readonly ColumnSchema[], blobId, createdAt };
}

function jsonOf(column: ColumnSchema): Prisma.InputJsonObject {
  return { ...column, ...(column.categories !== undefined && { categories: [...column.categories] }) };
}
