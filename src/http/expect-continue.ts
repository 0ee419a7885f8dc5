import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from './app-type.ts';

/**
 * Lets a client that asks before it sends its body (`Expect: 100-continue`) go on only when the request has passed
 * everything that is known without the body: its key, and the length it announces. Node would let it go on at once.
 */
export function registerExpectContinue(app: App): void {
  const asking = new WeakSet<IncomingMessage>();
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    asking.add(request);
    app.server.emit('request', request, response);
  });
  app.addHook('preParsing', async (request, reply) => {
    const announced = Number(request.headers['content-length'] ?? 0);
    // One that announces too much gets 413 next, without having sent it. Forms are measured by the route that reads them.
    const isTooLong = announced > request.routeOptions.bodyLimit && !request.headers['content-type']?.startsWith('multipart/');
    if (asking.has(request.raw) && !isTooLong) reply.raw.writeContinue();
  });
}
