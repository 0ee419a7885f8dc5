import Type from 'typebox';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { createOnce } from '../../src/http/idempotency.ts';
import { StrictObject } from '../../src/http/schemas.ts';
import { call, startTestApp, type TestApp } from '../support/app.ts';

let server: TestApp;

beforeAll(async () => {
  server = await startTestApp({
    routes: (app, { idempotency }) => {
      const body = StrictObject({ name: Type.String() });
      // Creates a project: a table with a unique key, written together with the reply.
      app.post('/v1/projects', { schema: { body } }, (request, reply) =>
        createOnce(request, reply, { idempotency }, async (remember) => {
          const { name } = request.body;
          if (name === 'refused') throw new AppError('state_conflict', { detail: 'Not this one.' });
          const made = {
            status: 201,
            headers: { location: `/v1/projects/${name}` },
            body: { name, made_at: process.hrtime.bigint().toString() },
          };
          await server.database.prisma.$transaction(async (tx) => {
            await tx.project.create({ data: { id: `prj_${name}`, name } });
            await remember(tx, made);
          });
          return made;
        }),
      );
    },
  });
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.database.prisma.project.deleteMany({ where: { id: { not: 'prj_default' } } });
  await server.database.prisma.idempotencyKey.deleteMany();
});

function create(name: string, key?: string) {
  return call(`${server.url}/v1/projects`, {
    method: 'POST',
    body: { name },
    headers: key === undefined ? {} : { 'idempotency-key': key },
  });
}

describe('a creating POST with an Idempotency-Key', () => {
  test('gives the same reply again and creates nothing twice', async () => {
    const first = await create('a', 'k1');
    const second = await create('a', 'k1');
    expect(first.status).toBe(201);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(second).toMatchObject({ status: 201, body: first.body });
    expect(second.headers.get('location')).toBe('/v1/projects/a');
    expect(second.headers.get('idempotent-replayed')).toBe('true');
  });

  test('is refused for another body', async () => {
    await create('a', 'k1');
    expect(await create('b', 'k1')).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
    expect(await server.database.prisma.project.count({ where: { id: 'prj_b' } })).toBe(0);
  });

  test('runs once when sixteen come at once, and all get its reply', async () => {
    const replies = await Promise.all(Array.from({ length: 16 }, () => create('a', 'k1')));
    expect(replies.map((reply) => reply.status)).toEqual(Array(16).fill(201));
    expect(new Set(replies.map((reply) => reply.body.made_at)).size).toBe(1);
    expect(replies.filter((reply) => reply.headers.get('idempotent-replayed') === null)).toHaveLength(1);
  });

  test('of two bodies at once takes one and refuses the other', async () => {
    const replies = await Promise.all(Array.from({ length: 8 }, (_, i) => create(i % 2 === 0 ? 'a' : 'b', 'k1')));
    const made = replies.filter((reply) => reply.status === 201);
    expect(new Set(made.map((reply) => reply.body.name)).size).toBe(1);
    expect(made).toHaveLength(4);
    expect(replies.filter((reply) => reply.body.code === 'idempotency_conflict')).toHaveLength(4);
  });

  test('does not keep a refusal', async () => {
    expect(await create('refused', 'k1')).toMatchObject({ status: 409, body: { code: 'state_conflict' } });
    expect((await create('a', 'k1')).status).toBe(201);
  });

  test.each(['', 'x'.repeat(256), 'ümlaut'])('the key %j is 400', async (key) => {
    expect(await create('a', key)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('without a key every request is its own', async () => {
    expect((await create('a')).status).toBe(201);
    expect(await server.database.prisma.idempotencyKey.count()).toBe(0);
  });
});
