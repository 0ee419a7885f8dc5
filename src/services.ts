import type { Logger } from 'pino';
import { type ApiKeyService, createApiKeyService } from './api-keys/api-key-service.ts';
import { createApiKeyStore } from './api-keys/api-key-store.ts';
import type { BlobStore } from './blobs/blob-store.ts';
import type { Config } from './config.ts';
import type { Database } from './db/database.ts';
import type { Listener } from './db/listener.ts';
import { createIdempotencyStore, type IdempotencyStore } from './http/idempotency-store.ts';

export interface Services {
  readonly apiKeys: ApiKeyService;
  readonly idempotency: IdempotencyStore;
}

export interface ServicesDeps {
  readonly config: Pick<Config, 'engine' | 'limits' | 'worker'>;
  readonly database: Database;
  readonly listener: Listener;
  readonly blobs: BlobStore;
  readonly logger: Logger;
}

/** Builds every service of the API process, each from what it needs. */
export function createServices({ database }: ServicesDeps): Services {
  return {
    apiKeys: createApiKeyService({ store: createApiKeyStore(database), now: Date.now }),
    idempotency: createIdempotencyStore(database),
  };
}
