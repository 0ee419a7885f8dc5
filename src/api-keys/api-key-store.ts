import type { Database } from '../db/database.ts';

export interface ApiKeyRecord {
  readonly id: string;
  readonly project: string;
  readonly hash: string;
}

export interface ApiKeyStore {
  insert(key: ApiKeyRecord & { name: string }): Promise<void>;
  /** Adds the key unless its hash is there already; a key revoked before is not revived. */
  insertIfAbsent(key: ApiKeyRecord & { name: string }): Promise<void>;
  findValid(hash: string): Promise<ApiKeyRecord | null>;
  /** Whether there is any key in use. */
  exist(): Promise<boolean>;
  markUsed(id: string, at: Date): Promise<void>;
  /** False when there is no such key in use. */
  revoke(project: string, id: string, at: Date): Promise<boolean>;
}

export function createApiKeyStore({ prisma }: Pick<Database, 'prisma'>): ApiKeyStore {
  return {
    insert: async ({ project, ...key }) => {
      await prisma.apiKey.create({ data: { ...key, projectId: project } });
    },
    insertIfAbsent: async ({ project, ...key }) => {
      await prisma.apiKey.createMany({ data: [{ ...key, projectId: project }], skipDuplicates: true });
    },
    findValid: async (hash) => {
      const row = await prisma.apiKey.findUnique({ where: { hash, revokedAt: null } });
      return row && { id: row.id, project: row.projectId, hash: row.hash };
    },
    exist: async () => (await prisma.apiKey.findFirst({ where: { revokedAt: null }, select: { id: true } })) !== null,
    markUsed: async (id, at) => {
      await prisma.apiKey.updateMany({ where: { id }, data: { lastUsedAt: at } });
    },
    revoke: async (project, id, at) => {
      const { count } = await prisma.apiKey.updateMany({ where: { id, projectId: project, revokedAt: null }, data: { revokedAt: at } });
      return count === 1;
    },
  };
}
