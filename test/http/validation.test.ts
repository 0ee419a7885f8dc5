import Type from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listQuery } from '../../src/http/pagination.ts';
import { idParams, StrictObject } from '../../src/http/schemas.ts';
import { call, startTestApp, type TestApp } from '../support/app.ts';

let server: TestApp;
let reached = 0;

const body = StrictObject({
  count: Type.Integer({ minimum: 1 }),
  label: Type.String({ default: 'none' }),
  ratio: Type.Optional(Type.Number()),
});

beforeAll(async () => {
  server = await startTestApp({
    env: { BODY_BYTES_MAX: '2000' },
    routes: (app) => {
      app.post('/things', { schema: { body } }, async (request) => {
        reached++;
        return request.body;
      });
      app.post('/unchecked', { config: { bodyCheckedByService: true }, schema: { body } }, async (request) => request.body);
      app.post('/bodiless', async () => ({ done: true }));
      app.get('/things', { schema: { querystring: listQuery } }, async (request) => request.query);
      app.get('/things/:id', { schema: { params: idParams('job') } }, async (request) => request.params);
    },
  });
});
afterAll(() => server.close());

async function post(text: string | Uint8Array, contentType: string | null = 'application/json', headers: Record<string, string> = {}) {
  const reply = await fetch(`${server.url}/things`, {
    method: 'POST',
    body: typeof text === 'string' ? new TextEncoder().encode(text) : Buffer.from(text),
    headers: { ...(contentType !== null && { 'content-type': contentType }), ...headers },
  });
  return { status: reply.status, body: await reply.json() };
}

describe('bodies are checked strictly', () => {
  test('all faults are told at once, each with its pointer, and the handler is not reached', async () => {
    const before = reached;
    const reply = await call(`${server.url}/things`, { method: 'POST', body: { count: '3', ratio: null, colour: 'red' } });
    expect(reply.status).toBe(422);
    expect(reply.body.code).toBe('validation_failed');
    expect(reply.body.errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code]).sort()).toEqual([
      ['/colour', 'unknown_field'],
      ['/count', 'wrong_type'],
      ['/ratio', 'wrong_type'],
    ]);
    expect(reached).toBe(before);
  });

  test('defaults are filled in, nothing else is changed', async () => {
    expect(await call(`${server.url}/things`, { method: 'POST', body: { count: 3 } })).toMatchObject({
      status: 200,
      body: { count: 3, label: 'none' },
    });
  });

  test.each(['[]', '"x"', 'null', '1'])('%s where an object is needed is 422', async (text) => {
    expect(await post(text)).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
  });

  test('a body its service checks is only held to be an object', async () => {
    expect(await call(`${server.url}/unchecked`, { method: 'POST', body: { colour: 'red' } })).toMatchObject({
      status: 200,
      body: { colour: 'red' },
    });
    expect(await call(`${server.url}/unchecked`, { method: 'POST', body: [1] })).toMatchObject({ status: 422 });
  });
});

describe('what is not a JSON document is refused', () => {
  test.each([
    ['cut off', '{"count":1'],
    ['NaN', '{"count":NaN}'],
    ['__proto__', '{"count":1,"__proto__":{"x":1}}'],
    ['__proto__ deep inside', '{"count":1,"label":{"a":[{"__proto__":1}]}}'],
    ['constructor.prototype', '{"constructor":{"prototype":{}}}'],
    ['NUL in a text', '{"count":1,"label":"a\\u0000b"}'],
    ['half a surrogate pair', '{"count":1,"label":"\\ud800"}'],
    ['half a surrogate pair in a key', '{"count":1,"\\ud800":1}'],
    ['nested too deep', `${'['.repeat(500)}${']'.repeat(500)}`],
    ['brackets only', '['.repeat(1900)],
  ])('%s', async (_, text) => {
    expect(await post(text)).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
  });

  test('bytes that are not UTF-8', async () => {
    expect(await post(Uint8Array.of(0x22, 0xff, 0x22))).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
  });

  test('an empty body, with and without a type', async () => {
    expect(await post('')).toMatchObject({ status: 400, body: { code: 'empty_body' } });
    expect(await call(`${server.url}/things`, { method: 'POST' })).toMatchObject({ status: 400, body: { code: 'empty_body' } });
  });

  test('a route without a body does not ask for one', async () => {
    expect(await call(`${server.url}/bodiless`, { method: 'POST' })).toMatchObject({ status: 200 });
    expect(await call(`${server.url}/bodiless`, { method: 'POST', headers: { 'content-type': 'application/json' } })).toMatchObject({
      status: 200,
    });
  });
});

describe('only JSON in UTF-8 is read', () => {
  test.each([
    ['no type', null],
    ['text', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['a multipart form', 'multipart/form-data; boundary=x'],
    ['garbage after the type', 'application/json garbage'],
    ['another charset', 'application/json; charset=utf-16'],
  ])('%s is 415', async (_, contentType) => {
    expect(await post('{"count":1}', contentType)).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  test('a compressed body is 415', async () => {
    expect(await post('{"count":1}', 'application/json', { 'content-encoding': 'gzip' })).toMatchObject({ status: 415 });
  });

  test.each(['application/json ; charset=utf-8', 'APPLICATION/JSON', 'application/json\t'])(
    '%j does not slip past the check',
    async (contentType) => {
      expect(await post('{"count":"1"}', contentType)).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
    },
  );

  test('a body beyond the limit is 413 and names the limit', async () => {
    expect(await post(JSON.stringify({ count: 1, label: 'x'.repeat(3000) }))).toMatchObject({
      status: 413,
      body: { code: 'payload_too_large', limit_bytes: 2000 },
    });
  });

  test('a body in chunks beyond the limit is 413', async () => {
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 5; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(1000)));
        controller.close();
      },
    });
    const init: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      body: chunks,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    };
    expect((await fetch(`${server.url}/things`, init)).status).toBe(413);
  });
});

describe('paths and queries', () => {
  test('a query is read by its types, with defaults', async () => {
    expect((await call(`${server.url}/things?limit=7`)).body).toEqual({ limit: 7 });
    expect((await call(`${server.url}/things`)).body).toEqual({ limit: 20 });
  });

  test.each([
    'limit=-1',
    'limit=0',
    'limit=101',
    'limit=1e2',
    'limit=abc',
    'limit=',
    'limit=5.5',
    'limit=0x10',
    'limit=1&limit=2',
    'colour=red',
  ])('?%s is 400', async (query) => {
    expect(await call(`${server.url}/things?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('a parameter for a route that takes none is 400', async () => {
    expect(await call(`${server.url}/livez?verbose=1`)).toMatchObject({ status: 400 });
  });

  test.each(['1', 'job_', 'ds_01ARZ3NDEKTSV4RRFFQ69G5FAV', '%00', '..%2f..%2fetc%2fpasswd', 'job_01arz3ndektsv4rrffq69g5fav'])(
    'the id %s is 400',
    async (id) => {
      expect(await call(`${server.url}/things/${id}`)).toMatchObject({ status: 400, body: { code: 'invalid_id' } });
    },
  );
});
