import { AppError } from '../errors.ts';
import type { App } from './app-type.ts';

/** While the server closes, requests on connections that are still open are sent elsewhere. */
export function registerShutdown(app: App): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', async () => {
    if (!closing) return;
    throw new AppError('not_ready', { detail: 'This server is shutting down.', headers: { 'retry-after': '5' } });
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
}
