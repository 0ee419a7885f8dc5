import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import Type from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { call, startTestApp, type TestApp } from '../support/app.ts';

let server: TestApp;

beforeAll(async () => {
  server = await startTestApp({
    routes: (app) => {
      app.get('/boom', async () => {
        throw new Error('secret /etc/passwd');
      });
      app.get('/no-database', async () => {
        throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), { code: 'ECONNREFUSED' });
      });
      app.get('/full-disk', () => writeFile('/dev/full', 'x'));
      app.get('/limited', async () => {
        throw new AppError('limit_exceeded', {
          detail: 'Too many rows.',
          members: { limit: 10 },
          errors: [{ pointer: '/rows', code: 'limit_exceeded', detail: 'At most 10.' }],
        });
      });
      app.get('/names/:name', { schema: { querystring: Type.Object({}) } }, async () => ({}));
    },
  });
});
afterAll(() => server.close());

/** Members every problem has, whatever went wrong. */
function expectProblem(
  { status, headers, body }: Awaited<ReturnType<typeof call>>,
  expected: { status: number; code: string; instance?: string },
) {
  expect(status).toBe(expected.status);
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(body).toMatchObject({ type: `/problems/${expected.code}`, status: expected.status, code: expected.code });
  expect(body.title).toEqual(expect.any(String));
  expect(body.detail).toEqual(expect.any(String));
  expect(body.errors).toEqual(expect.any(Array));
  expect(body.request_id).toBe(headers.get('x-request-id'));
  if (expected.instance !== undefined) expect(body.instance).toBe(expected.instance);
}

describe('every error is a problem', () => {
  test('an unknown path is 404, and tells the path without its query', async () => {
    expectProblem(await call(`${server.url}/v1/nothing?token=secret`), { status: 404, code: 'not_found', instance: '/v1/nothing' });
  });

  test.each(['//livez', '/livez/', '/LIVEZ'])('%s is not another spelling of a path', async (path) => {
    expectProblem(await call(server.url + path), { status: 404, code: 'not_found' });
  });

  test.each(['DELETE', 'POST', 'PUT', 'PATCH'])('%s on a path that only reads is 405 with Allow', async (method) => {
    const reply = await call(`${server.url}/names/x`, { method });
    expectProblem(reply, { status: 405, code: 'method_not_allowed' });
    expect(reply.headers.get('allow')).toBe('GET, HEAD');
    expect(reply.body.allowed).toEqual(['GET', 'HEAD']);
  });

  test('a path that cannot be decoded is 400', async () => {
    expectProblem(await call(`${server.url}/names/%zz`), { status: 400, code: 'invalid_request' });
  });

  test('a name longer than any name is 414', async () => {
    expectProblem(await call(`${server.url}/names/${'x'.repeat(200)}`), { status: 414, code: 'uri_too_long' });
  });

  test('an error with a public face keeps its faults and members', async () => {
    const reply = await call(`${server.url}/limited`);
    expectProblem(reply, { status: 422, code: 'limit_exceeded' });
    expect(reply.body).toMatchObject({ detail: 'Too many rows.', limit: 10, errors: [{ pointer: '/rows' }] });
  });

  test('an unforeseen error is 500, logged once under the request id, and tells nothing', async () => {
    const reply = await call(`${server.url}/boom`, { headers: { authorization: 'Bearer topsecret', 'x-request-id': 'client-4711' } });
    expectProblem(reply, { status: 500, code: 'internal' });
    expect(reply.body.request_id).toBe('client-4711');
    expect(JSON.stringify(reply.body)).not.toMatch(/passwd|node_modules|\.ts/);
    const lines = server.log.filter((line) => line['request_id'] === 'client-4711' && line.level >= 50);
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).toContain('passwd');
    expect(JSON.stringify(server.log)).not.toContain('topsecret');
  });

  test('a database that does not answer is 503 with Retry-After', async () => {
    const reply = await call(`${server.url}/no-database`);
    expectProblem(reply, { status: 503, code: 'dependency_unavailable' });
    expect(reply.headers.get('retry-after')).toBe('2');
    expect(JSON.stringify(reply.body)).not.toContain('10.0.0.7');
  });

  test('a disk that is full is 503 with Retry-After', async () => {
    const reply = await call(`${server.url}/full-disk`);
    expectProblem(reply, { status: 503, code: 'dependency_unavailable' });
    expect(reply.headers.get('retry-after')).toBe('60');
  });

  test('a real route whose database is gone is 503 too, and works on when it is asked nothing of it', async () => {
    const cut = await startTestApp();
    try {
      await cut.database.pool.end();
      expectProblem(await call(`${cut.url}/v1/datasets`), { status: 503, code: 'dependency_unavailable' });
      expect((await call(`${cut.url}/livez`)).status).toBe(200);
    } finally {
      await cut.close();
    }
  });

  test('an X-Request-Id that is not harmless is replaced', async () => {
    const reply = await call(`${server.url}/livez`, { headers: { 'x-request-id': '<script>' } });
    expect(reply.headers.get('x-request-id')).toMatch(/^req_[0-9A-Z]{26}$/);
  });

  test('each type address says what the code means', async () => {
    expect((await call(`${server.url}/problems/not_found`)).body).toEqual({
      code: 'not_found',
      status: 404,
      title: 'There is no such thing',
    });
    expect((await call(`${server.url}/problems/not_found`, { headers: { accept: 'text/html' } })).body).toContain(
      '<h1>There is no such thing</h1>',
    );
    expectProblem(await call(`${server.url}/problems/constructor`), { status: 404, code: 'not_found' });
  });
});

describe('what the HTTP parser refuses is a problem too', () => {
  test.each([
    ['headers beyond 16 KiB', `GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ${'x'.repeat(17_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['what is not HTTP', 'FOO BAR BAZ\r\n\r\n', 400, 'invalid_request'],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', 400, 'invalid_request'],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'invalid_request',
    ],
  ])('%s', async (_, request, status, code) => {
    const reply = await exchange(request);
    expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(reply).toContain('Content-Type: application/problem+json');
    expect(JSON.parse(reply.slice(reply.indexOf('\r\n\r\n') + 4))).toMatchObject({ status, code, type: `/problems/${code}` });
  });
});

/** Sends raw bytes and reads until the server closes. */
async function exchange(request: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (text) => {
    received += text;
  });
  socket.once('close', () => resolve(received)).once('error', reject);
  socket.write(request);
  return promise;
}
