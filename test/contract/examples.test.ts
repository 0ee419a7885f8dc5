import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, startTestApp, type TestApp } from '../support/app.ts';

let server: TestApp;
let dataset: string;

beforeAll(async () => {
  server = await startTestApp();
  dataset = (await call(`${server.url}/v1/datasets`, { method: 'POST', body: { name: 'iris', builtin: 'iris' } })).body.id;
});
afterAll(() => server.close());

/** The example bodies of an operation, as Swagger UI fills them in. */
async function examplesOf(method: string, path: string): Promise<unknown[]> {
  const { paths } = (await call(`${server.url}/openapi.json`)).body;
  const { example, examples } = paths[path][method].requestBody.content['application/json'];
  return example === undefined ? Object.values<{ value: unknown }>(examples).map(({ value }) => value) : [example];
}

describe('the examples of the documentation work as they are on a fresh server', () => {
  test.each([
    ['/v1/datasets', 201],
    ['/v1/datasets/inspect', 200],
    ['/v1/models', 201],
  ])('POST %s', async (path, status) => {
    for (const body of await examplesOf('post', path))
      expect(await call(server.url + path, { method: 'POST', body })).toMatchObject({ status });
  });

  test('POST /v1/models/validate', async () => {
    for (const body of await examplesOf('post', '/v1/models/validate')) {
      expect(await call(`${server.url}/v1/models/validate`, { method: 'POST', body })).toMatchObject({
        status: 200,
        body: { valid: true, errors: [] },
      });
    }
  });

  test('POST /v1/jobs, with the id of a dataset filled in', async () => {
    for (const example of await examplesOf('post', '/v1/jobs')) {
      const body = { ...Object(example), dataset };
      expect(await call(`${server.url}/v1/jobs`, { method: 'POST', body })).toMatchObject({ status: 202, body: { status: 'queued' } });
    }
  });

  test('PATCH /v1/datasets/{id}', async () => {
    for (const body of await examplesOf('patch', '/v1/datasets/{id}')) {
      expect(await call(`${server.url}/v1/datasets/${dataset}`, { method: 'PATCH', body })).toMatchObject({ status: 200 });
    }
  });
});
