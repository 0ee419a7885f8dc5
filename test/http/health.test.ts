import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, startTestApp, type TestApp } from '../support/app.ts';

describe('readiness', () => {
  let server: TestApp;
  let queue: () => Promise<boolean>;
  beforeAll(async () => {
    server = await startTestApp({ readiness: { database: async () => true, queue: () => queue() } });
  });
  afterAll(() => server.close());

  test('is given when every check passes', async () => {
    queue = async () => true;
    expect(await call(`${server.url}/readyz`)).toMatchObject({
      status: 200,
      body: { status: 'ready', checks: { database: 'ok', queue: 'ok' } },
    });
  });

  test.each([
    ['fails', async () => false, 'failing'],
    ['throws', () => Promise.reject(new Error('no route to 10.0.0.7')), 'failing'],
    ['does not answer', () => new Promise<boolean>(() => undefined), 'no answer'],
  ])('is refused, and names the check, when one %s', async (_, check, answer) => {
    queue = check;
    const reply = await call(`${server.url}/readyz`);
    expect(reply).toMatchObject({ status: 503, body: { code: 'not_ready', checks: { database: 'ok', queue: answer } } });
    expect(reply.headers.get('retry-after')).toBe('1');
    expect(JSON.stringify(reply.body)).not.toContain('10.0.0.7');
  });

  test('does not change that the process is alive', async () => {
    expect(await call(`${server.url}/livez`)).toMatchObject({ status: 200, body: { status: 'alive' } });
  });
});
