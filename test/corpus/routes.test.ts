import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallResult } from '../support/app.ts';
import { documentedOperations, type Operation } from './document.ts';
import { expectHealthy, expectProblem } from './refusals.ts';
import { startWorld, type World } from './world.ts';

const OPERATIONS = await documentedOperations();
const ADDRESSED = OPERATIONS.filter(({ path }) => path.startsWith('/v1/') && path.includes('{'));
const WITH_BODY = OPERATIONS.filter(({ example }) => example !== null);

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** The path of a route with the owner's things in it, or with such as nobody has. */
function pathOf({ path }: Operation, whose: 'owner' | 'nobody'): string {
  const collection = path.split('/')[2] ?? '';
  const { iris = '', job = '' } = world.names;
  const ids: Record<string, { owner: string; nobody: string }> = {
    datasets: { owner: iris, nobody: 'ds_01J00000000000000000000000' },
    jobs: { owner: job, nobody: 'job_01J00000000000000000000000' },
    models: { owner: 'flowers', nobody: 'nobody' },
    deployments: { owner: 'flowers', nobody: 'nobody' },
  };
  const id = ids[collection]?.[whose] ?? 'internal';
  const checkpoint = whose === 'owner' ? (world.names['checkpoint'] ?? '') : 'ckpt_01J00000000000000000000000';
  return path
    .replace(/\{(id|name|code)\}/, id)
    .replace('{version}', '1')
    .replace('{checkpoint}', checkpoint);
}

const bodyOf = ({ example }: Operation) => (example === null ? {} : { body: example });
const asOther = () => ({ headers: { authorization: `Bearer ${world.otherKey}` } });

/** A reply without what has to differ: who was asked for, and which request it was. */
function impersonal({ status, body }: CallResult): unknown {
  const { iris = '', job = '', checkpoint = '' } = world.names;
  const text = JSON.stringify({ status, body: { ...body, request_id: '' } });
  const nobodys = ['nobody', ...['ds', 'job', 'ckpt'].map((kind) => `${kind}_01J00000000000000000000000`)];
  return [iris, job, checkpoint, 'flowers', ...nobodys].reduce((rest, name) => rest.replaceAll(name, '*'), text);
}

describe('every documented route refuses', () => {
  test.each(OPERATIONS)('$name a parameter it does not take', async (operation) => {
    const reply = await world.call(`${pathOf(operation, 'owner')}?unexpected=1`, { method: operation.method, ...bodyOf(operation) });
    expectProblem(reply);
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ pointer: '/unexpected' }] } });
  });

  test.each(OPERATIONS.filter(({ parameters }) => parameters.length > 0))('$name what is no id or name', async (operation) => {
    for (const parameter of operation.parameters) {
      for (const bad of ['A!', '%00', '..%2f..', "'%20OR%201=1", '%F0%9F%98%80']) {
        const path = pathOf({ ...operation, path: operation.path.replace(`{${parameter}}`, bad) }, 'owner');
        const reply = await world.call(path, { method: operation.method, ...bodyOf(operation) });
        expectProblem(reply);
        expect(reply).toMatchObject({ status: 400, body: { code: 'invalid_id' } });
      }
    }
  });

  test.each(WITH_BODY)('$name a body that is none of its own', async (operation) => {
    const send = (body: unknown) => world.call(pathOf(operation, 'owner'), { method: operation.method, body });
    for (const body of [[], null, 'x', 5, ...(operation.isBodyOptional ? [] : [{}]), { unexpected: 1 }]) {
      const reply = await send(body);
      expectProblem(reply);
      expect([reply.status, reply.body.errors.length > 0], JSON.stringify(body)).toEqual([422, true]);
    }
    expect((await send({ unexpected: 1 })).body.errors).toContainEqual(
      expect.objectContaining({ pointer: '/unexpected', code: 'unknown_field' }),
    );
    if (operation.isBodyOptional) return;
    const nothing = await world.call(pathOf(operation, 'owner'), { method: operation.method });
    expect(nothing).toMatchObject({ status: 400, body: { code: 'empty_body' } });
  });

  test.each(OPERATIONS.filter(({ path }) => path.startsWith('/v1/')))('$name a request without a key', async (operation) => {
    const headers = { authorization: '' };
    const reply = await world.call(pathOf(operation, 'owner'), { method: operation.method, headers, ...bodyOf(operation) });
    expectProblem(reply);
    expect(reply.status).toBe(401);
  });
});

describe('what belongs to another project does not exist', () => {
  test.each(ADDRESSED)('for $name', async (operation) => {
    const before = await world.counts();
    const ask = (whose: 'owner' | 'nobody') =>
      world.call(pathOf(operation, whose), { method: operation.method, ...asOther(), ...bodyOf(operation) });
    const foreign = await ask('owner');
    expectProblem(foreign);
    expect(foreign.status).toBe(404);
    expect(impersonal(foreign)).toEqual(impersonal(await ask('nobody')));
    expect(await world.counts()).toEqual(before);
  });

  test.each([
    ['/v1/jobs', 'POST', (dataset: string, model: string) => ({ dataset, model, target: 'species', training: { epochs: 1 } })],
    ['/v1/models/validate', 'POST', (dataset: string) => ({ dataset, target: 'species', spec: { layers: [{ type: 'dense', units: 3 }] } })],
    ['/v1/deployments/mine', 'PUT', (_: string, model: string) => ({ model })],
  ] as const)('in the body of %s', async (path, method, body) => {
    const before = await world.counts();
    const ask = (dataset = '', model = '') => world.call(path, { method, ...asOther(), body: body(dataset, model) });
    const foreign = await ask(world.names['iris'], 'flowers');
    expectProblem(foreign);
    expect(impersonal(foreign)).toEqual(impersonal(await ask('ds_01J00000000000000000000000', 'nobody')));
    expect(await world.counts()).toEqual(before);
  });

  test('in any list, whatever cursor is given', async () => {
    for (const collection of ['datasets', 'models', 'jobs', 'deployments']) {
      const own = await world.call(`/v1/${collection}?limit=1`);
      expect(own.body.data).toHaveLength(1);
      const cursor = own.body.next_cursor === null ? '' : `?cursor=${own.body.next_cursor}`;
      for (const query of ['', cursor]) {
        const foreign = await world.call(`/v1/${collection}${query}`, asOther());
        expect(foreign).toMatchObject({ status: 200, body: { data: [], has_more: false } });
      }
    }
  });

  test('while its owner has all of it', async () => {
    for (const operation of ADDRESSED.filter(({ method }) => method === 'GET')) {
      expect((await world.call(pathOf(operation, 'owner'))).status, operation.name).toBe(200);
    }
    await expectHealthy(world);
  });
});
