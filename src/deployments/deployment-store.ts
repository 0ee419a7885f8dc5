import pg from 'pg';
import type { Database } from '../db/database.ts';
import { afterNamePosition, type NamePosition } from '../lib/name-position.ts';
import { type DeploymentTarget, pointDeployment, type StoredDeployment } from './deployment-target.ts';

/** SQLSTATE. */
const FOREIGN_KEY_VIOLATION = '23503';

export type DeploymentStore = ReturnType<typeof createDeploymentStore>;

/** Rows of deployments. A row exists once its version has answered: there is no half-deployed state to read. */
export function createDeploymentStore({ prisma, pool }: Pick<Database, 'prisma' | 'pool'>) {
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

    /** Points a name at a version; null when the version is gone. */
    async put(target: DeploymentTarget) {
      try {
        return await pointDeployment(pool, target);
      } catch (error) {
        if (error instanceof pg.DatabaseError && error.code === FOREIGN_KEY_VIOLATION) return null;
        throw error;
      }
    },

    /** False when there was none. */
    async remove(project: string, name: string): Promise<boolean> {
      const { count } = await prisma.deployment.deleteMany({ where: { projectId: project, name } });
      return count > 0;
    },
  };
}
