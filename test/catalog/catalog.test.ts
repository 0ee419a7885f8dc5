import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalog } from '../../src/engine/index.ts';
import { call, startTestApp, type TestApp } from '../support/app.ts';

let server: TestApp;
beforeAll(async () => {
  server = await startTestApp();
});
afterAll(() => server.close());

describe('the catalog', () => {
  test.each(['layers', 'activations', 'losses', 'optimizers', 'initializers', 'metrics'] as const)(
    'lists the %s of the engine',
    async (kind) => {
      const reply = await call(`${server.url}/v1/catalog/${kind}`);
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual({ data: JSON.parse(JSON.stringify(catalog()[kind])), has_more: false, next_cursor: null });
      expect(reply.body.data.length).toBeGreaterThan(1);
    },
  );

  test('describes every option of a layer', async () => {
    const described: string[] = [];
    for (const { type, schema } of (await call(`${server.url}/v1/catalog/layers`)).body.data) {
      for (const [name, option] of Object.entries<{ description?: string }>(schema.properties ?? {})) {
        if (name !== 'type') expect(option.description, `${type}.${name}`).toBeTruthy();
        described.push(`${type}.${name}`);
      }
    }
    expect(described).toContain('dense.units');
  });

  test('can be read page by page', async () => {
    const url = `${server.url}/v1/catalog/activations?limit=3`;
    const first = (await call(url)).body;
    const second = (await call(`${url}&cursor=${first.next_cursor}`)).body;
    expect([...first.data, ...second.data]).toEqual(JSON.parse(JSON.stringify(catalog().activations.slice(0, 6))));
  });

  test('refuses the cursor of another list', async () => {
    const { next_cursor } = (await call(`${server.url}/v1/catalog/activations?limit=3`)).body;
    expect(await call(`${server.url}/v1/catalog/losses?cursor=${next_cursor}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_cursor' },
    });
  });

  test('of something else is 404', async () => {
    expect((await call(`${server.url}/v1/catalog/nothing`)).status).toBe(404);
  });
});
