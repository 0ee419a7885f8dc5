import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange } from './bad-request.ts';
import { expectHealthy } from './refusals.ts';
import { startWorld, type World } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await expectHealthy(world);
  await world.close();
});

const authorized = () => `Host: 127.0.0.1\r\nAuthorization: Bearer ${world.names['key']}\r\n`;
const post = (path: string, body: unknown, headers: Record<string, string> = {}) => world.call(path, { method: 'POST', body, headers });

describe('on one connection', () => {
  test('a thousand requests sent at once are answered in their order', async () => {
    const request = (id: string, more = '') => `GET /livez HTTP/1.1\r\n${authorized()}X-Request-Id: pipelined-${id}\r\n${more}\r\n`;
    const ids = Array.from({ length: 1000 }, (_, i) => String(i));
    const received = await exchange(world.server.url, ids.map((id) => request(id, id === '999' ? 'Connection: close\r\n' : '')).join(''));
    expect([...received.matchAll(/x-request-id: pipelined-(\d+)/g)].map(([, id]) => id)).toEqual(ids);
  });

  test('a body that ends too early creates nothing', async () => {
    const before = await world.counts();
    const head = `POST /v1/datasets HTTP/1.1\r\n${authorized()}Content-Type: application/json\r\nContent-Length: 40\r\n\r\n`;
    const received = await exchange(world.server.url, `${head}{"builtin":"iris"}`, { end: true });
    expect(received).not.toMatch(/^HTTP\/1\.1 2/);
    expect(await world.counts()).toEqual(before);
  });

  test('a client that asks first is told to go on only with a body that may come', async () => {
    const ask = (length: number, body: string) =>
      exchange(
        world.server.url,
        `POST /v1/models/validate HTTP/1.1\r\n${authorized()}Connection: close\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n${body}`,
      );
    expect(await ask(99_999_999, '')).toMatch(/^HTTP\/1\.1 413 /);
    expect(await ask(11, '{"spec":{}}')).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });
});

describe('waiting', () => {
  test('by three hundred clients at once holds nobody up, whether they stay or leave', async () => {
    const { running } = world.names;
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${world.names['key']}` };
    const left = Array.from({ length: 150 }, () =>
      fetch(`${world.server.url}/v1/jobs/${running}?wait=60`, { headers, signal: leaving.signal }),
    );
    const staying = Array.from({ length: 150 }, () =>
      fetch(`${world.server.url}/v1/jobs/${running}/events`, { headers: { ...headers, accept: 'text/event-stream' } }),
    );
    for (const stream of await Promise.all(staying)) {
      expect(stream.status).toBe(200);
      await stream.body?.cancel();
    }
    await expectHealthy(world);
    leaving.abort();
    expect((await Promise.allSettled(left)).every(({ status }) => status === 'rejected')).toBe(true);
    await expectHealthy(world);
  });
});

describe('Idempotency-Key', () => {
  test('is one thing for each project and route', async () => {
    const key = { 'idempotency-key': 'shared' };
    const mine = await post('/v1/datasets', { name: 'a', builtin: 'xor' }, key);
    const theirs = await post('/v1/datasets', { name: 'b', builtin: 'xor' }, { ...key, authorization: `Bearer ${world.otherKey}` });
    const model = await post('/v1/models', { name: 'keyed', spec: { input_shape: [2], layers: [{ type: 'dense', units: 1 }] } }, key);
    expect([mine.status, theirs.status, model.status]).toEqual([201, 201, 201]);
    expect(theirs.body.id).not.toBe(mine.body.id);
  });

  test('is not used up by a request that is refused', async () => {
    const key = { 'idempotency-key': 'refused-first' };
    expect((await post('/v1/datasets', { builtin: 'nothing' }, key)).status).toBe(422);
    expect((await post('/v1/datasets', { builtin: 'xor' }, key)).status).toBe(201);
  });
});

describe('odd data trains and predicts, or says why not', () => {
  const layers = (units: number) => ({ layers: [{ type: 'dense', units, activation: 'softmax' }] });

  async function dataset(rows: readonly object[], schema: readonly object[] = []): Promise<string> {
    const reply = await post('/v1/datasets', { name: 'odd', rows, schema });
    expect(reply, JSON.stringify(reply.body)).toMatchObject({ status: 201 });
    return reply.body.id;
  }

  async function trained(request: object) {
    const posted = await post('/v1/jobs', { training: { epochs: 2 }, ...request });
    expect(posted, JSON.stringify(posted.body)).toMatchObject({ status: 202 });
    for (;;) {
      const { body } = await world.call(`/v1/jobs/${posted.body.id}?wait=30`);
      if (['succeeded', 'failed', 'cancelled'].includes(body.status)) return body;
    }
  }

  test('names that are members of every object', async () => {
    const words = ['__proto__', 'constructor', 'toString'];
    const rows = Array.from({ length: 30 }, (_, i) => ({ constructor: i, toString: words[i % 3], hasOwnProperty: words[i % 3] }));
    const id = await dataset(rows, [
      { name: 'toString', type: 'category' },
      { name: 'hasOwnProperty', type: 'category' },
    ]);
    const spec = {
      layers: [
        { type: 'dense', units: 4, name: '__proto__' },
        { type: 'dense', units: 3, activation: 'softmax', name: 'constructor' },
      ],
    };
    const job = await trained({ dataset: id, target: 'hasOwnProperty', spec, on_success: { model: 'constructor' } });
    expect(job).toMatchObject({ status: 'succeeded' });
    const deployed = await world.call('/v1/deployments/constructor', { method: 'PUT', body: { model: 'constructor' } });
    expect(deployed.status).toBe(201);
    const { status, body } = await post('/v1/deployments/constructor/predict', { instances: [{ constructor: 1, toString: '__proto__' }] });
    expect(status).toBe(200);
    expect(Object.keys(body.predictions[0].probabilities).sort()).toEqual(words.toSorted());
    const weights = await world.call(`/v1/jobs/${job.id}/weights?format=json`);
    expect(Object.keys(weights.body.tensors).sort()).toEqual([
      '__proto__/bias',
      '__proto__/kernel',
      'constructor/bias',
      'constructor/kernel',
    ]);
  });

  test('constant columns, and numbers at both ends of what is allowed', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({
      same: 7,
      zero: i % 2 ? -0 : 0,
      tiny: i * 5e-324,
      huge: i % 2 ? 1e30 : -1e30,
      y: i % 2 ? 'a' : 'b',
    }));
    const job = await trained({ dataset: await dataset(rows), target: 'y', spec: layers(2) });
    expect(job.status).toBe('succeeded');
    expect(job.latest_metrics.loss).toEqual(expect.any(Number));
  });

  test('a training that diverges fails with its numbers marked', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ x: i, y: i * i }));
    const training = { epochs: 3, loss: 'mean_squared_error', optimizer: { type: 'sgd', learning_rate: 1e30 } };
    const job = await trained({ dataset: await dataset(rows), target: 'y', spec: { layers: [{ type: 'dense', units: 1 }] }, training });
    expect(job).toMatchObject({ status: 'failed', stop_reason: 'divergence', error: { code: 'divergence' } });
    expect((await world.call(`/v1/jobs/${job.id}/epochs`)).status).toBe(200);
  });

  test.each([
    ['one row', [{ x: 1, y: 'a' }], 'too_few_classes'],
    [
      'one class',
      [
        { x: 1, y: 'a' },
        { x: 2, y: 'a' },
      ],
      'too_few_classes',
    ],
    ['no feature', [{ y: 'a' }, { y: 'b' }], 'no_features'],
    ['a value missing in the target', [{ x: 1, y: 'a' }, { x: 2, y: 'b' }, { x: 3 }], 'missing_value'],
  ])('%s', async (_, rows, code) => {
    const reply = await post('/v1/jobs', { dataset: await dataset(rows), target: 'y', spec: layers(2), training: { epochs: 1 } });
    expect(reply.status).toBe(422);
    expect(reply.body.errors).toContainEqual(expect.objectContaining({ code }));
  });

  test('five thousand columns', async () => {
    const row = (i: number) =>
      Object.fromEntries(Array.from({ length: 5000 }, (_, column) => [`c${column}`, column === 0 ? `class ${i % 2}` : i]));
    const id = await dataset(Array.from({ length: 4 }, (_, i) => row(i)));
    const request = { dataset: id, target: 'c0', spec: layers(2) };
    expect((await trained(request)).status).toBe('succeeded');
    const misspelt = await post('/v1/jobs', {
      ...request,
      features: Array.from({ length: 5000 }, (_, i) => `d${i}`),
      training: { epochs: 1 },
    });
    expect(misspelt.status).toBe(422);
    expect(misspelt.body.errors.at(-1).code).toBe('more_faults');
  });
});
