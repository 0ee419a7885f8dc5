import type { Database } from '../db/database.ts';
import { afterNamePosition, type NamePosition } from '../lib/name-position.ts';

/** A model version served under a name. */
export interface StoredDeployment {
  readonly name: string;
  readonly modelName: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type DeploymentStore = ReturnType<typeof createDeploymentStore>;

/** Rows of deployments. A row exists once its version has answered: there is no half-deployed state to read. */
export function createDeploymentStore({ prisma }: Pick<Database, 'prisma'>) {
  return {
    async find(project: string, name: string): Promise<StoredDeployment | null> {
      return prisma.deployment.findUnique({ where: { projectId_name: { projectId: project, name } } });
    },

    /** Newest first; `before` is the creation time and name of the last one seen. */
    async list(project: string, take: number, before: NamePosition | null): Promise<StoredDeployment[]> {
      return prisma.deployment.findMany({
        where: {
          projectId: project,
          ...afterNamePosition(before),
        },
        orderBy: [{ createdAt: 'desc' }, { name: 'desc' }],
        take,
      });
    },

    /** Points the name at a version; says whether the name is new. */
    async put(project: string, name: string, target: { modelName: string; version: number }) {
      const earlier = await prisma.deployment.findUnique({
        where: { projectId_name: { projectId: project, name } },
        select: { name: true },
      });
      const deployment: StoredDeployment = await prisma.deployment.upsert({
        where: { projectId_name: { projectId: project, name } },
        create: { projectId: project, name, ...target },
        update: { ...target, updatedAt: new Date() },
      });
      return { deployment, created: earlier === null };
    },

    /** False when there was none. */
    async remove(project: string, name: string): Promise<boolean> {
      const { count } = await prisma.deployment.deleteMany({ where: { projectId: project, name } });
      return count > 0;
    },
  };
}
