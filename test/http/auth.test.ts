import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_PROJECT } from '../../src/http/auth.ts';
import { call, startTestApp, type TestApp } from '../support/app.ts';

describe('a server without keys', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await startTestApp({ routes: (app) => void app.post('/v1/whoami', async (request) => ({ project: request.project })) });
  });
  afterAll(() => server.close());

  test('works in the default project', async () => {
    expect((await call(`${server.url}/v1/whoami`, { method: 'POST' })).body).toEqual({ project: DEFAULT_PROJECT });
  });

  test.each(['http://evil.example', 'null', 'http://localhost:1', 'https://127.0.0.1'])(
    'refuses a page of the origin %s',
    async (origin) => {
      const reply = await call(`${server.url}/v1/whoami`, { method: 'POST', headers: { origin } });
      expect(reply).toMatchObject({ status: 403, body: { code: 'forbidden_origin' } });
    },
  );

  test('lets its own pages in', async () => {
    expect(await call(`${server.url}/v1/whoami`, { method: 'POST', headers: { origin: server.url } })).toMatchObject({ status: 200 });
  });

  test.each([
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example:3000', 403],
    ['192.168.0.7', 403],
    ['localhost', 200],
    ['[::1]:3000', 200],
    ['127.1.2.3', 200],
  ])('answers the Host %s with %i', async (host, status) => {
    expect(await statusFor(`${server.url}/v1/whoami`, host)).toBe(status);
  });
});

describe('a server with keys', () => {
  let server: TestApp;
  beforeAll(async () => {
    server = await startTestApp({
      env: { HOST: '0.0.0.0' },
      routes: (app) => void app.get('/v1/whoami', async (request) => ({ project: request.project })),
    });
    await server.database.prisma.project.create({ data: { id: 'prj_other', name: 'other' } });
  });
  afterAll(() => server.close());

  test('gives a request the project of its key', async () => {
    for (const project of [DEFAULT_PROJECT, 'prj_other']) {
      const { key } = await server.services.apiKeys.create(project, 'test');
      expect((await call(`${server.url}/v1/whoami`, { headers: { authorization: `Bearer ${key}` } })).body).toEqual({ project });
    }
  });

  test('answers absent, malformed, unknown and revoked keys alike', async () => {
    const { id, key } = await server.services.apiKeys.create(DEFAULT_PROJECT, 'test');
    await server.services.apiKeys.revoke(DEFAULT_PROJECT, id);
    const headers: Record<string, string>[] = [{}, { authorization: '' }, { authorization: 'Bearer' }, { authorization: 'Basic eDp5' }];
    headers.push(
      { authorization: 'Bearer alma_unknown_key' },
      { authorization: `Bearer ${key}` },
      { authorization: `Bearer ${'x'.repeat(5000)}` },
    );
    for (const one of headers) {
      const reply = await call(`${server.url}/v1/whoami`, { headers: one });
      expect(reply).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
      expect(reply.headers.get('www-authenticate')).toBe('Bearer realm="alma"');
      expect(reply.body.detail).toBe('Send a valid API key as "Authorization: Bearer <key>".');
    }
  });

  test('does not take a key from the query', async () => {
    const { key } = await server.services.apiKeys.create(DEFAULT_PROJECT, 'test');
    expect((await call(`${server.url}/v1/whoami?api_key=${key}`)).status).toBe(401);
    expect(JSON.stringify(server.log)).not.toContain(key);
  });

  test.each(['/livez', '/readyz', '/openapi.json', '/docs', '/problems/internal', '/'])('%s is open', async (path) => {
    expect((await call(server.url + path)).status).toBe(200);
  });

  test('any Host will do', async () => {
    expect(await statusFor(`${server.url}/livez`, 'alma.example', 'GET')).toBe(200);
  });
});

/** fetch does not let a Host header through. */
async function statusFor(url: string, host: string, method = 'POST'): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  httpRequest(url, { method, headers: { host } }, (reply) => {
    reply.resume();
    resolve(reply.statusCode);
  })
    .once('error', reject)
    .end();
  return promise;
}
