import type { ApiKeyService } from '../api-keys/api-key-service.ts';
import { AppError } from '../errors.ts';
import type { App, Request } from './app-type.ts';
import { refuseForeignOrigins } from './origin-guard.ts';

/** The project of everything done without keys; the first migration creates it. */
export const DEFAULT_PROJECT = 'prj_default';

/** Gives every request its project: that of its key, or the default one when the server runs without keys. */
export function registerAuth(app: App, { required, apiKeys }: { required: boolean; apiKeys: ApiKeyService }): void {
  app.decorateRequest('project', '');
  app.addHook('onRequest', async (request) => {
    if (!required) {
      refuseForeignOrigins(request);
      request.project = DEFAULT_PROJECT;
      return;
    }
    if (request.is404 || request.routeOptions.config.public === true) return;
    request.project = await projectOf(request, apiKeys);
  });
}

async function projectOf(request: Request, apiKeys: ApiKeyService): Promise<string> {
  const key = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? '')?.[1];
  const project = key === undefined ? null : await apiKeys.authenticate(key);
  if (project !== null) return project;
  // One reply for absent, malformed, unknown and revoked keys: it tells nothing about which keys exist.
  throw new AppError('unauthenticated', {
    detail: 'Send a valid API key as "Authorization: Bearer <key>".',
    headers: { 'www-authenticate': 'Bearer realm="alma"' },
  });
}
