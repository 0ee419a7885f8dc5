import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';

const IRIS_ROW = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };

describe('deployments', () => {
  let service: Service;
  let iris: string;

  beforeAll(async () => {
    service = await startService({ PREDICT_ROWS_MAX: '50' });
    iris = await service.dataset('iris');
    const layers = [
      { type: 'dense', units: 16, activation: 'relu' },
      { type: 'dense', units: 3, activation: 'softmax' },
    ];
    const training = { epochs: 60, batch_size: 16, optimizer: { type: 'adam', learning_rate: 0.01 } };
    const request = { dataset: iris, target: 'species', spec: { layers }, training, on_success: { model: 'iris' } };
    const job = await service.train(request);
    expect(job).toMatchObject({ status: 'succeeded', result: { model: 'iris', version: 1 } });
    await service.train({ ...request, training: { ...training, seed: 1 } });
  });

  afterAll(() => service.stop());

  const predict = (name: string, body: unknown) => service.post(`/v1/deployments/${name}/predict`, body);

  it('serves the newest version unless one is named, and moves to another', async () => {
    const created = await service.put('/v1/deployments/flowers', { model: 'iris' });
    expect(created).toMatchObject({
      status: 201,
      body: { object: 'deployment', name: 'flowers', model: 'iris', version: 2, status: 'ready' },
    });
    const moved = await service.put('/v1/deployments/flowers', { model: 'iris', version: 1 });
    expect(moved).toMatchObject({ status: 200, body: { version: 1 } });
    expect((await predict('flowers', { instances: [IRIS_ROW] })).body).toMatchObject({ model: 'iris', version: 1 });
    expect((await service.get('/v1/deployments/flowers')).body).toMatchObject({ version: 1, created_at: created.body.created_at });
  });

  it('predicts labels with probabilities, by column name and by position alike', async () => {
    await service.put('/v1/deployments/iris', { model: 'iris', version: 1 });
    const named = await predict('iris', { instances: [IRIS_ROW] });
    expect(named.status).toBe(200);
    const [{ label, probabilities }] = named.body.predictions;
    expect(label).toBe('setosa');
    expect(Object.keys(probabilities)).toEqual(['setosa', 'versicolor', 'virginica']);
    expect(probabilities.setosa + probabilities.versicolor + probabilities.virginica).toBeCloseTo(1, 6);
    const listed = await predict('iris', { instances: [Object.values(IRIS_ROW)] });
    expect(listed.body.predictions).toEqual(named.body.predictions);
    expect((await predict('iris', { instances: [IRIS_ROW], return: [] })).body.predictions).toEqual([{ label: 'setosa' }]);
  });

  it('gives a row the same answer alone and among others', async () => {
    await service.put('/v1/deployments/iris', { model: 'iris', version: 1 });
    const others = Array.from({ length: 40 }, (_, i) => ({ ...IRIS_ROW, petal_length: 1 + i / 8 }));
    const alone = await predict('iris', { instances: [others[13]] });
    const among = await predict('iris', { instances: others });
    expect(among.body.predictions).toHaveLength(40);
    expect(among.body.predictions[13]).toEqual(alone.body.predictions[0]);
  });

  it('refuses rows that do not fit, each fault with its row and the column that was meant', async () => {
    await service.put('/v1/deployments/iris', { model: 'iris', version: 1 });
    const { petal_width: _, ...short } = IRIS_ROW;
    const { status, body } = await predict('iris', {
      instances: [
        IRIS_ROW,
        { ...short, petal_widht: 0.2 },
        { ...IRIS_ROW, sepal_width: '3.5' },
        [1, 2, 3],
        { ...IRIS_ROW, sepal_length: null },
      ],
    });
    expect(status).toBe(422);
    expect(body.code).toBe('input_invalid');
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/instances/2/sepal_width', '/instances/3', '/instances/4/sepal_length']));
    expect(pointers.some((pointer: string) => pointer.startsWith('/instances/1/'))).toBe(true);
    expect(pointers.some((pointer: string) => pointer.startsWith('/instances/0'))).toBe(false);
    expect(JSON.stringify(body.errors)).toContain('petal_width');
  });

  it('refuses empty and oversized requests with the limit', async () => {
    await service.put('/v1/deployments/iris', { model: 'iris', version: 1 });
    expect((await predict('iris', { instances: [] })).status).toBe(422);
    const { status, body } = await predict('iris', { instances: Array.from({ length: 51 }, () => IRIS_ROW) });
    expect({ status, code: body.code, limit: body.limit }).toEqual({ status: 422, code: 'limit_exceeded', limit: 50 });
  });

  it('answers 404 for what is not there and leaves the old version serving', async () => {
    await service.put('/v1/deployments/kept', { model: 'iris', version: 1 });
    expect((await service.put('/v1/deployments/kept', { model: 'iris', version: 99 })).status).toBe(404);
    expect((await service.put('/v1/deployments/kept', { model: 'nobody' })).status).toBe(404);
    expect((await service.get('/v1/deployments/kept')).body).toMatchObject({ version: 1 });
    expect((await predict('nobody', { instances: [IRIS_ROW] })).status).toBe(404);
    expect((await service.get('/v1/deployments/Not%20A%20Name')).status).toBe(400);
  });

  it('is listed newest first, page by page, and gone once deleted', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) await service.put(`/v1/deployments/${name}`, { model: 'iris', version: 1 });
    const first = await service.get('/v1/deployments?limit=2');
    expect(first.body.data.map(({ name }: { name: string }) => name)).toEqual(['page-c', 'page-b']);
    const second = await service.get(`/v1/deployments?limit=1&cursor=${first.body.next_cursor}`);
    expect(second.body.data.map(({ name }: { name: string }) => name)).toEqual(['page-a']);
    expect((await service.remove('/v1/deployments/page-b')).status).toBe(204);
    expect((await service.remove('/v1/deployments/page-b')).status).toBe(404);
    expect((await predict('page-b', { instances: [IRIS_ROW] })).status).toBe(404);
  });

  it('keeps its model from being deleted', async () => {
    await service.put('/v1/deployments/holder', { model: 'iris', version: 2 });
    expect(await service.remove('/v1/models/iris')).toMatchObject({ status: 409, body: { code: 'state_conflict' } });
  });

  it('serves regression in the units of the column', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({ x: i / 10, y: 3 * (i / 10) + 100 }));
    const { body: dataset } = await service.post('/v1/datasets', { name: 'line', rows });
    const spec = { layers: [{ type: 'dense', units: 1 }] };
    const training = { epochs: 200, optimizer: { type: 'adam', learning_rate: 0.05 } };
    const job = await service.train({ dataset: dataset.id, target: 'y', spec, training, on_success: { model: 'line' } });
    expect(job).toMatchObject({ status: 'succeeded', request: { task: 'regression' } });
    await service.put('/v1/deployments/line', { model: 'line' });
    const { body } = await predict('line', { instances: [{ x: 5 }] });
    expect(body.predictions[0].value).toBeCloseTo(115, 0);
  });
});
