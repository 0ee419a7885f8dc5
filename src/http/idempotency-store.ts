import type { Database, Tx } from '../db/database.ts';
import { Prisma } from '../db/generated/client.ts';

/** The reply to a creating POST, as it is kept and given again. */
export interface StoredReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** One use of an Idempotency-Key: who, for which route, and the digest of what was asked for. */
export interface IdempotentUse {
  readonly project: string;
  readonly route: string;
  readonly key: string;
  readonly requestHash: string;
}

export type IdempotencyLookup =
  | { readonly outcome: 'unused' | 'other_request' }
  | { readonly outcome: 'replay'; readonly reply: StoredReply };

export interface IdempotencyStore {
  find(use: IdempotentUse): Promise<IdempotencyLookup>;
  /**
   * Keeps the reply in the transaction that creates what it tells of, so that both exist or neither. Of two
   * transactions with the same key the second waits for the first and then fails here.
   */
  store(tx: Tx, use: IdempotentUse, reply: StoredReply): Promise<void>;
}

/** Replies to creating POSTs by project, route and key. */
export function createIdempotencyStore({ prisma }: Pick<Database, 'prisma'>): IdempotencyStore {
  return {
    find: async ({ project, route, key, requestHash }) => {
      const row = await prisma.idempotencyKey.findUnique({
        where: { projectId_route_key: { projectId: project, route, key } },
      });
      if (row === null) return { outcome: 'unused' };
      if (row.requestHash !== requestHash) return { outcome: 'other_request' };
      return { outcome: 'replay', reply: { status: row.status, headers: headersOf(row.headers), body: row.body } };
    },
    store: async (tx, { project, route, key, requestHash }, { status, headers, body }) => {
      await tx.idempotencyKey.create({
        data: { projectId: project, route, key, requestHash, status, headers: { ...headers }, body: jsonOf(body) },
      });
    },
  };
}

function headersOf(stored: Prisma.JsonValue): Record<string, string> {
  if (stored === null || typeof stored !== 'object' || Array.isArray(stored)) return {};
  return Object.fromEntries(Object.entries(stored).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
}

/** The body as it will have gone over the wire: dates as text, no undefined. */
function jsonOf(body: unknown): Prisma.InputJsonValue | typeof Prisma.JsonNull {
  const wire: Prisma.InputJsonValue | null = JSON.parse(JSON.stringify(body));
  return wire ?? Prisma.JsonNull;
}
