import type { Database, Tx } from '../db/database.ts';
import { Prisma } from '../db/generated/client.ts';
import { jsonColumn } from '../db/json-column.ts';
import type { ModelSpec } from '../engine/index.ts';
import { afterNamePosition, type NamePosition } from '../lib/name-position.ts';

/** A model definition, with the number of its newest trained version. */
export interface StoredModel {
  readonly name: string;
  readonly spec: ModelSpec;
  readonly latestVersion: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A trained version: immutable. */
export interface StoredVersion {
  readonly id: string;
  readonly modelName: string;
  readonly version: number;
  readonly jobId: string;
  readonly spec: unknown;
  readonly metrics: unknown;
  readonly preprocessing: unknown;
  readonly signature: unknown;
  readonly labels: unknown;
  readonly receipt: unknown;
  readonly golden: unknown;
  readonly weightsBlobId: string;
  readonly weightsSha256: string;
  readonly createdAt: Date;
}

export type ModelStore = ReturnType<typeof createModelStore>;

const newestVersion = { versions: { orderBy: { version: 'desc' }, take: 1, select: { version: true } } } as const;

/** Rows of models and of their versions. */
export function createModelStore({ prisma }: Pick<Database, 'prisma'>) {
  return {
    /** Runs `work` in one transaction. */
    transaction: <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => prisma.$transaction(work),

    /** Stores a definition; null when the name is taken. */
    async create(tx: Tx, project: string, name: string, spec: ModelSpec): Promise<StoredModel | null> {
      const created = await tx.model.createManyAndReturn({
        data: [{ projectId: project, name, spec: jsonColumn(spec) }],
        skipDuplicates: true,
      });
      return created[0] === undefined ? null : storedModel({ ...created[0], versions: [] });
    },

    async find(project: string, name: string): Promise<StoredModel | null> {
      const row = await prisma.model.findUnique({ where: { projectId_name: { projectId: project, name } }, include: newestVersion });
      return row === null ? null : storedModel(row);
    },

    /** Newest first; `before` is the creation time and name of the last one seen. */
    async list(project: string, take: number, before: NamePosition | null): Promise<StoredModel[]> {
      const rows = await prisma.model.findMany({
        where: {
          projectId: project,
          ...afterNamePosition(before),
        },
        orderBy: [{ createdAt: 'desc' }, { name: 'desc' }],
        include: newestVersion,
        take,
      });
      return rows.map(storedModel);
    },

    async findVersion(project: string, modelName: string, version: number): Promise<StoredVersion | null> {
      const where = { projectId_modelName_version: { projectId: project, modelName, version } };
      return prisma.modelVersion.findUnique({ where });
    },

    /** Newest first; `before` is the number of the last one seen. */
    async listVersions(project: string, modelName: string, take: number, before: number | null): Promise<StoredVersion[]> {
      return prisma.modelVersion.findMany({
        where: { projectId: project, modelName, ...(before !== null && { version: { lt: before } }) },
        orderBy: { version: 'desc' },
        take,
      });
    },

    /** Deletes a model, its versions and the weights no job refers to; says why when it cannot. */
    async remove(project: string, name: string): Promise<'removed' | 'absent' | 'deployed'> {
      try {
        return await prisma.$transaction((tx) => removeModel(tx, project, name));
      } catch (error) {
        // A deployment was made between the question and the deletion.
        if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2003') return 'deployed';
        throw error;
      }
    },
  };
}

async function removeModel(tx: Tx, project: string, name: string): Promise<'removed' | 'absent' | 'deployed'> {
  const deployed = await tx.deployment.count({ where: { projectId: project, modelName: name } });
  if (deployed > 0) return 'deployed';
  const versions = await tx.modelVersion.findMany({ where: { projectId: project, modelName: name }, select: { weightsBlobId: true } });
  const { count } = await tx.model.deleteMany({ where: { projectId: project, name } });
  if (count === 0) return 'absent';
  const blobIds = versions.map(({ weightsBlobId }) => weightsBlobId);
  const kept = await tx.job.findMany({ where: { weightsBlobId: { in: blobIds } }, select: { weightsBlobId: true } });
  const orphans = blobIds.filter((id) => !kept.some(({ weightsBlobId }) => weightsBlobId === id));
  await tx.blob.deleteMany({ where: { id: { in: orphans } } });
  return 'removed';
}

function storedModel(row: Prisma.ModelGetPayload<{ include: typeof newestVersion }>): StoredModel {
  return {
    name: row.name,
    spec: row.spec as object as ModelSpec,
    latestVersion: row.versions[0]?.version ?? null,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
