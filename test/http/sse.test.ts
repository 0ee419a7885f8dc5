import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type StreamEvent, streamEvents } from '../../src/http/sse.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

let server: TestApp;
let source: (signal: AbortSignal) => AsyncIterable<StreamEvent>;

beforeEach(async () => {
  server = await startTestApp({
    routes: (app) => void app.get('/events', (request, reply) => streamEvents(request, reply, (signal) => source(signal))),
  });
});
afterEach(() => server.close());

/** One event, then silence until the signal; tells when it was given up. */
function endless(): { events: typeof source; ended: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    ended: promise,
    events: async function* (signal) {
      yield { id: 1, event: 'status', data: { status: 'running' } };
      if (!signal.aborted) await once(signal, 'abort');
      resolve();
    },
  };
}

describe('an event stream', () => {
  test('sends id, name and data of each event and ends with its source', async () => {
    source = async function* () {
      yield { id: 1, event: 'epoch', data: { text: 'two\nlines' } };
      yield { event: 'progress', data: { fraction: 0.5 } };
    };
    const reply = await fetch(`${server.url}/events`);
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.headers.get('x-accel-buffering')).toBe('no');
    expect(await reply.text()).toBe(
      ': open\n\nid: 1\nevent: epoch\ndata: {"text":"two\\nlines"}\n\nevent: progress\ndata: {"fraction":0.5}\n\n',
    );
  });

  test('gives up its source when the client leaves', async () => {
    const { events, ended } = endless();
    source = events;
    const leaving = new AbortController();
    const reply = await fetch(`${server.url}/events`, { signal: leaving.signal });
    await reply.body?.getReader().read();
    leaving.abort();
    await ended;
  });

  test('does not keep the server from closing', async () => {
    const { events, ended } = endless();
    source = events;
    const reply = await fetch(`${server.url}/events`);
    const text = reply.text();
    await server.app.close();
    await ended;
    expect(await text).toContain('event: status');
  });

  test('ends, and is logged, when its source breaks', async () => {
    source = async function* () {
      yield { id: 1, event: 'status', data: {} };
      throw new Error('the source broke');
    };
    const text = await (await fetch(`${server.url}/events`)).text();
    expect(text).toContain('id: 1');
    expect(text).not.toContain('broke');
    expect(JSON.stringify(server.log)).toContain('the source broke');
  });

  test('holds its source back while the client does not read', async () => {
    let made = 0;
    source = async function* () {
      for (; made < 10_000; made++) yield { id: made, event: 'log', data: 'x'.repeat(10_000) };
    };
    const reply = await fetch(`${server.url}/events`);
    const reader = reply.body?.getReader();
    await reader?.read();
    expect(made).toBeLessThan(10_000);
    await reader?.cancel();
  });
});
