import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { requestSignal } from '../../src/http/request-signal.ts';
import { call, startTestApp, type TestApp } from '../support/app.ts';

let server: TestApp;
let underWay: PromiseWithResolvers<void>;
let release: PromiseWithResolvers<void>;
let closing: PromiseWithResolvers<void>;

beforeEach(async () => {
  underWay = Promise.withResolvers();
  release = Promise.withResolvers();
  closing = Promise.withResolvers();
  server = await startTestApp({
    routes: (app) => {
      app.addHook('preClose', async () => closing.resolve());
      app.get('/slow', async () => {
        underWay.resolve();
        await release.promise;
        return { done: true };
      });
      app.get('/waiting', async (request, reply) => {
        const signal = requestSignal(request, reply);
        underWay.resolve();
        if (!signal.aborted) await once(signal, 'abort');
        release.resolve();
        return { gaveUp: true };
      });
    },
  });
});
afterEach(() => server.close());

describe('a server that closes', () => {
  test('answers the request it is at, and then ends the connection', async () => {
    const reply = call(`${server.url}/slow`);
    await underWay.promise;
    const closed = server.app.close();
    await closing.promise;
    release.resolve();
    const { status, headers, body } = await reply;
    expect({ status, body, connection: headers.get('connection') }).toEqual({ status: 200, body: { done: true }, connection: 'close' });
    await closed;
  });

  test('releases what waits for a change', async () => {
    const reply = call(`${server.url}/waiting`);
    await underWay.promise;
    await server.app.close();
    expect(await reply).toMatchObject({ status: 200, body: { gaveUp: true } });
  });
});

test('a client that leaves releases what waits for it', async () => {
  const leaving = new AbortController();
  const reply = fetch(`${server.url}/waiting`, { signal: leaving.signal });
  await underWay.promise;
  leaving.abort();
  await expect(reply).rejects.toThrow();
  await release.promise;
});
