import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Service, startService } from '../support/service.ts';

const IRIS_ROW = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };
const SPEC = {
  layers: [
    { type: 'dense', units: 16, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
};
const TRAINING = { epochs: 60, batch_size: 16, optimizer: { type: 'adam', learning_rate: 0.01 } };

describe('deploying what a job trained', () => {
  let testDatabase: TestDatabase;
  let service: Service;
  let client: pg.Client;
  let iris: string;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    service = await startService({ DATABASE_URL: testDatabase.url });
    client = new pg.Client({ connectionString: testDatabase.url });
    await client.connect();
    iris = await service.dataset('iris');
  });

  afterAll(async () => {
    await client.end();
    await service.stop();
    await testDatabase.drop();
  });

  const predict = (name: string) => service.post(`/v1/deployments/${name}/predict`, { instances: [IRIS_ROW] });
  const request = (on_success: object, seed = 0) => ({
    dataset: iris,
    target: 'species',
    spec: SPEC,
    training: { ...TRAINING, seed },
    on_success,
  });
  const train = (on_success: object, seed = 0) => service.train(request(on_success, seed));

  /** The bytes of a version's weights with one bit turned over. */
  async function damage(model: string, version: number): Promise<void> {
    const { rowCount } = await client.query(
      `UPDATE chunk SET data = set_bit(data, length(data)::bigint * 8 - 20, 1 - get_bit(data, length(data)::bigint * 8 - 20))
         FROM model_version WHERE blob_id = weights_blob_id AND model_name = $1 AND version = $2`,
      [model, version],
    );
    expect(rowCount).toBe(1);
  }

  it('serves the version at once when the job has succeeded, and moves with the next job', async () => {
    const first = await train({ model: 'flowers', deploy: 'flowers' });
    expect(first).toMatchObject({
      status: 'succeeded',
      request: { on_success: { model: 'flowers', deploy: 'flowers' } },
      result: { model: 'flowers', version: 1, deployment: 'flowers' },
    });
    expect(await predict('flowers')).toMatchObject({
      status: 200,
      body: { model: 'flowers', version: 1, predictions: [{ label: 'setosa' }] },
    });
    const second = await train({ model: 'flowers', deploy: 'flowers' }, 1);
    expect(second.result).toMatchObject({ version: 2, deployment: 'flowers' });
    expect((await predict('flowers')).body).toMatchObject({ version: 2 });
    const undeployed = await train({ model: 'flowers' }, 2);
    expect(undeployed).toMatchObject({
      request: { on_success: { model: 'flowers', deploy: null } },
      result: { version: 3, deployment: null },
    });
    expect((await predict('flowers')).body).toMatchObject({ version: 2 });
  });

  it('refuses to deploy without a model, and says that there are no aliases', async () => {
    const { status, body } = await service.post('/v1/jobs', request({ deploy: 'flowers', alias: 'candidate' }));
    expect(status).toBe(422);
    expect(body.errors).toEqual([
      expect.objectContaining({ pointer: '/on_success/model', code: 'missing_field', detail: expect.stringContaining('"model"') }),
      expect.objectContaining({
        pointer: '/on_success/alias',
        code: 'unknown_field',
        detail: expect.stringContaining('not part of this version'),
      }),
    ]);
    const badName = await service.post('/v1/jobs', request({ model: 'flowers', deploy: 'Not a name' }));
    expect(badName).toMatchObject({ status: 422, body: { errors: [{ pointer: '/on_success/deploy' }] } });
  });

  it('keeps training rows with every version, and predicts them as the worker did', async () => {
    await train({ model: 'golden' });
    const { rows } = await client.query(`SELECT golden FROM model_version WHERE model_name = 'golden'`);
    const { instances, predictions } = rows[0].golden;
    expect(instances).toHaveLength(3);
    await service.put('/v1/deployments/golden', { model: 'golden' });
    expect((await service.post('/v1/deployments/golden/predict', { instances })).body.predictions).toEqual(predictions);
  });

  it('lets the old version serve when the new one does not give its golden answers', async () => {
    await train({ model: 'checked', deploy: 'checked' });
    await train({ model: 'checked' }, 1);
    await predict('checked');
    await client.query(
      `UPDATE model_version SET golden = regexp_replace(golden::text, '"label":"[a-z]+"', '"label":"triffid"')::json
        WHERE model_name = 'checked' AND version = 2`,
    );
    const refused = await service.put('/v1/deployments/checked', { model: 'checked', version: 2 });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'state_conflict', detail: expect.stringMatching(/golden row 1 .*triffid/) },
    });
    expect((await predict('checked')).body).toMatchObject({ version: 1, predictions: [{ label: 'setosa' }] });
    await train({ model: 'checked' }, 2);
    const { rowCount } = await client.query(
      `UPDATE model_version SET golden = regexp_replace(golden::text, '("setosa":)[0-9.e-]+', '\\10.123')::json
        WHERE model_name = 'checked' AND version = 3`,
    );
    expect(rowCount).toBe(1);
    expect(await service.put('/v1/deployments/other', { model: 'checked', version: 3 })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('0.123') },
    });
    expect((await service.get('/v1/deployments/other')).status).toBe(404);
  });

  it('never serves damaged weights', async () => {
    await train({ model: 'damaged', deploy: 'damaged' });
    await train({ model: 'damaged' }, 1);
    await predict('damaged');
    await damage('damaged', 2);
    const detail = expect.stringContaining('stored weights are damaged');
    expect(await service.put('/v1/deployments/damaged', { model: 'damaged', version: 2 })).toMatchObject({
      status: 409,
      body: { code: 'state_conflict', detail },
    });
    expect((await predict('damaged')).body).toMatchObject({ version: 1 });
    // Bytes and their hash exchanged together are still not what was trained.
    await client.query(
      `UPDATE blob SET sha256 = encode(sha256(data), 'hex') FROM chunk, model_version
        WHERE chunk.blob_id = blob.id AND weights_blob_id = blob.id AND model_name = 'damaged' AND version = 2`,
    );
    expect(await service.put('/v1/deployments/damaged', { model: 'damaged', version: 2 })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('not those that were trained') },
    });
    // A version that is deployed already and damaged before anybody asked it.
    await train({ model: 'damaged', deploy: 'late' }, 2);
    await damage('damaged', 3);
    expect(await predict('late')).toMatchObject({ status: 500, body: { code: 'internal', detail } });
  });

  it('takes rows of every kind of column as golden rows', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({
      size: i % 7 === 3 ? null : Math.sin(i) * 1e6,
      count: i,
      colour: ['red', 'green', 'blue'][i % 3],
      grade: i % 4,
      open: i % 2 === 0,
      at: new Date(Date.UTC(2024, 0, 1 + i)).toISOString(),
      price: 1000 * Math.sin(i) + 10 * (i % 3),
      weight: 1e-6 * i,
    }));
    const schema = [
      { name: 'size', missing: 'mean' },
      { name: 'grade', type: 'category' },
      { name: 'at', type: 'datetime' },
    ];
    const { status, body: dataset } = await service.post('/v1/datasets', { name: 'mixed', rows, schema });
    expect(status).toBe(201);
    for (const target of ['price', ['price', 'weight'], 'open', 'colour']) {
      const columns = Array.isArray(target) ? target : [target];
      const units = target === 'colour' ? 3 : columns.length;
      const activation = target === 'colour' ? 'softmax' : target === 'open' ? 'sigmoid' : 'linear';
      const job = await service.train({
        dataset: dataset.id,
        target,
        spec: { layers: [{ type: 'dense', units, activation }] },
        training: { epochs: 5 },
        on_success: { model: 'mixed', deploy: 'mixed' },
      });
      expect(job).toMatchObject({ status: 'succeeded', error: null });
      expect((await service.put('/v1/deployments/mixed', { model: 'mixed', version: job.result.version })).status).toBe(200);
    }
  });
});
