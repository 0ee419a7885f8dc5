import type { App, Reply, Request } from './app-type.ts';

const openRequests = new WeakMap<object, Set<AbortController>>();

/** Lets the server close although requests wait for something, or stream something, that has no end of its own. */
export function registerRequestSignals(app: App): void {
  const controllers = new Set<AbortController>();
  openRequests.set(app.server, controllers);
  app.addHook('preClose', async () => {
    for (const controller of controllers) controller.abort();
  });
}

/** Raised when the client has left or the server closes: nobody waits any more for what this request waits for. */
export function requestSignal(request: Request, reply: Reply): AbortSignal {
  const controllers = openRequests.get(request.server.server);
  const controller = new AbortController();
  controllers?.add(controller);
  reply.raw.once('close', () => {
    controllers?.delete(controller);
    controller.abort();
  });
  return controller.signal;
}
