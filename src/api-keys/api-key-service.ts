import { randomBytes, timingSafeEqual } from 'node:crypto';
import { ID_PREFIXES, newId } from '../lib/ids.ts';
import { sha256 } from '../lib/sha256.ts';
import type { ApiKeyStore } from './api-key-store.ts';

export interface ApiKeyService {
  /** Makes a key. `key` is told this once and kept nowhere. */
  create(project: string, name: string): Promise<{ id: string; key: string }>;
  /** The project a key belongs to, or null for an unknown or revoked one. */
  authenticate(key: string): Promise<string | null>;
  /** Makes a key given from outside valid for a project. */
  ensure(project: string, key: string): Promise<void>;
  /** Whether there is any key in use: without one, a server that asks for keys answers nobody. */
  exist(): Promise<boolean>;
  /** False when there is no such key in use. Takes effect everywhere within the cache's 30 seconds. */
  revoke(project: string, id: string): Promise<boolean>;
}

/** How long a key found valid is taken as such without asking again: the longest a revoked key can go on. */
const CACHE_MS = 30_000;

/**
 * Bearer keys. A key is 256 random bits, so one round of SHA-256 is enough to keep it safe at rest, and looking it
 * up by that digest tells an attacker nothing by its timing.
 */
export function createApiKeyService({ store, now }: { store: ApiKeyStore; now: () => number }): ApiKeyService {
  const valid = new Map<string, { readonly project: string; readonly until: number }>();
  return {
    create: async (project, name) => {
      const id = newId('key');
      const key = `alma_${id.slice(ID_PREFIXES.key.length + 1)}_${randomBytes(32).toString('base64url')}`;
      await store.insert({ id, project, name, hash: sha256(key) });
      return { id, key };
    },
    authenticate: async (key) => {
      const hash = sha256(key);
      const cached = valid.get(hash);
      if (cached !== undefined && cached.until > now()) return cached.project;
      valid.delete(hash);
      const found = await store.findValid(hash);
      if (found === null || !timingSafeEqual(Buffer.from(found.hash), Buffer.from(hash))) return null;
      valid.set(hash, { project: found.project, until: now() + CACHE_MS });
      await store.markUsed(found.id, new Date(now()));
      return found.project;
    },
    ensure: (project, key) => store.insertIfAbsent({ id: newId('key'), project, name: 'API_KEY', hash: sha256(key) }),
    exist: () => store.exist(),
    revoke: (project, id) => store.revoke(project, id, new Date(now())),
  };
}
