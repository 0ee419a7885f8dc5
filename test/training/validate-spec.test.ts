import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp;
let iris: string;
beforeAll(async () => {
  app = await startTestApp();
  iris = (await call(`${app.url}/v1/datasets`, { method: 'POST', body: { name: 'iris', builtin: 'iris' } })).body.id;
});
afterAll(() => app.close());

const validate = (body: unknown) => call(`${app.url}/v1/models/validate`, { method: 'POST', body });
const spec = {
  layers: [
    { type: 'dense', units: 8, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
};

describe('validating a spec', () => {
  test('against a dataset tells layers, parameters, memory and time', async () => {
    const { status, body } = await validate({ spec, dataset: iris, target: 'species', training: { epochs: 10 } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ valid: true, errors: [], warnings: [], total_params: 4 * 8 + 8 + 8 * 3 + 3 });
    expect(body.layers.map((layer: { output_shape: number[] }) => layer.output_shape)).toEqual([[8], [3]]);
    expect(body.arena_bytes).toBeGreaterThan(4 * body.total_params);
    expect(body.memory_bytes).toBeGreaterThan(body.arena_bytes);
    expect(body.estimate.seconds_p90).toBeGreaterThanOrEqual(body.estimate.seconds_p50);
  });

  test('tells how far each window sees', async () => {
    const layers = [
      { type: 'conv2d', filters: 4, kernel_size: 3 },
      { type: 'max_pooling2d' },
      { type: 'conv2d', filters: 4, kernel_size: 3 },
      { type: 'flatten' },
      { type: 'dense', units: 2, activation: 'softmax' },
    ];
    const { body } = await validate({ spec: { input_shape: [12, 12, 1], layers } });
    const fields = body.layers.map((layer: { receptive_field: number[] | null }) => layer.receptive_field);
    // Dumoulin and Visin 2016: 3, then 3 + 1, then 4 + 2 * 2.
    expect(fields.slice(0, 3)).toEqual([
      [3, 3],
      [4, 4],
      [8, 8],
    ]);
  });

  test('alone needs no dataset, and says nothing about time', async () => {
    const { body } = await validate({ spec: { input_shape: [4], ...spec } });
    expect(body).toMatchObject({ valid: true, warnings: [], total_params: 67, estimate: null });
    expect(body.memory_bytes).toBe(body.arena_bytes);
    expect(body.arena_bytes).toBeGreaterThan(0);
  });

  test('answers 200 for faults of spec, target and training, all at once', async () => {
    const { status, body } = await validate({
      spec: { layers: [{ type: 'dense', units: 7, activation: 'softmax' }] },
      dataset: iris,
      target: 'species',
      training: { epochs: 1, optimizer: { type: 'adm' } },
    });
    expect([status, body.valid, body.estimate, body.memory_bytes]).toEqual([200, false, null, null]);
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['/spec/layers/0/units', '/training/optimizer/type']);
    expect((await validate({ spec, dataset: iris, target: 'nothing' })).body.errors[0]).toMatchObject({
      pointer: '/target',
      code: 'unknown_column',
    });
    expect((await validate({ spec, dataset: iris, target: 5 })).body.errors[0]).toMatchObject({ pointer: '/target', code: 'wrong_type' });
  });

  test.each([
    ['an unknown dataset', { spec, dataset: 'ds_01J00000000000000000000000' }, '/dataset', 'unknown_dataset'],
    ['an id that is none', { spec, dataset: 'iris' }, '/dataset', 'wrong_format'],
    ['no spec', {}, '/spec', 'missing_field'],
    ['a field that does not exist', { spec, datset: 'x' }, '/datset', 'unknown_field'],
  ])('refuses %s', async (_, body, pointer, code) => {
    const reply = await validate(body);
    expect([reply.status, reply.body.errors[0].pointer, reply.body.errors[0].code]).toEqual([422, pointer, code]);
  });
});
