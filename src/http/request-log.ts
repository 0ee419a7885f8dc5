import type { IncomingMessage } from 'node:http';
import { LogController } from 'fastify';
import { newId } from '../lib/ids.ts';
import type { App, Reply, Request } from './app-type.ts';
import { pathOf } from './error-handler.ts';

/** Ids of our own, and those a proxy in front of us is likely to send. */
const SANE_ID = /^[A-Za-z0-9._-]{8,64}$/;

/** The id a request is known by in logs and replies: its `X-Request-Id` if that is harmless, else a new one. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SANE_ID.test(given) ? given : newId('request');
}

/** What of a request goes into a log: no headers, no body, no query, because any of them may hold a secret. */
export const requestLogSerializers = {
  req: (request: Request) => ({ method: request.method, path: pathOf(request.url), remote_address: request.ip }),
};

/** One line per request, when it is answered. */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'request_id' });
  }

  override incomingRequest(): void {
    // Told with its outcome below.
  }

  override requestCompleted(error: Error | null | undefined, request: Request, reply: Reply): void {
    const line = { req: request, status: reply.statusCode, milliseconds: Math.round(reply.elapsedTime), ...(error && { err: error }) };
    request.log.info(line, 'request answered');
  }
}

/** Tells the client the id under which its request is logged. */
export function registerRequestLog(app: App): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
}
