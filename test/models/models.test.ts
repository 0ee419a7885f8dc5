import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';

const LAYERS = [
  { type: 'dense', units: 8, activation: 'relu' },
  { type: 'dense', units: 3, activation: 'softmax' },
];

describe('models', () => {
  let service: Service;
  let iris: string;

  beforeAll(async () => {
    service = await startService();
    iris = await service.dataset('iris');
  });

  afterAll(() => service.stop());

  const names = (faults: readonly { pointer: string }[]) => faults.map(({ pointer }) => pointer);

  it('keeps a definition with every default filled in', async () => {
    const created = await service.post('/v1/models', { name: 'mlp', spec: { input_shape: [4], layers: LAYERS } });
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe('/v1/models/mlp');
    expect(created.body).toMatchObject({ name: 'mlp', latest_version: null });
    expect(created.body.spec.layers).toMatchObject([
      { type: 'dense', name: 'dense', units: 8, use_bias: true, kernel_initializer: 'glorot_uniform' },
      { type: 'dense', name: 'dense_1', units: 3 },
    ]);
    expect((await service.get('/v1/models/mlp')).body).toEqual(created.body);
    expect(await service.post('/v1/models', { name: 'mlp', spec: { layers: LAYERS } })).toMatchObject({
      status: 409,
      body: { code: 'name_taken' },
    });
  });

  it('refuses a definition with the faults of name and spec in one reply, and keeps nothing', async () => {
    const { status, body } = await service.post('/v1/models', {
      name: 'Bad Name',
      spec: { layers: [{ type: 'dense', units: -1 }] },
      colour: 'red',
    });
    expect(status).toBe(422);
    expect(names(body.errors)).toEqual(expect.arrayContaining(['/name', '/colour', '/spec/layers/0/units']));
    expect((await service.get('/v1/models?limit=100')).body.data.map(({ name }: { name: string }) => name)).not.toContain('Bad Name');
  });

  it('validates without storing or refusing: layers, parameters, memory and time', async () => {
    const question = { spec: { layers: LAYERS }, dataset: iris, target: 'species', training: { epochs: 10 } };
    const { status, body } = await service.post('/v1/models/validate', question);
    expect(status).toBe(200);
    expect(body).toMatchObject({ valid: true, errors: [], total_params: 4 * 8 + 8 + 8 * 3 + 3 });
    expect(body.layers).toMatchObject([
      { name: 'dense', output_shape: [8], params: 40 },
      { name: 'dense_1', output_shape: [3], params: 27 },
    ]);
    expect(body.memory_bytes).toBeGreaterThan(67 * 4);
    expect(body.estimate.seconds_p90).toBeGreaterThanOrEqual(body.estimate.seconds_p50);
  });

  it('answers every fault of spec, target and training with 200 valid:false and patches', async () => {
    const { status, body } = await service.post('/v1/models/validate', {
      spec: {
        layers: [
          { type: 'dnese', units: 8 },
          { type: 'dense', units: 2, activation: 'softmax' },
        ],
      },
      dataset: iris,
      target: 'specie',
      training: { epochs: 0 },
    });
    expect({ status, valid: body.valid }).toEqual({ status: 200, valid: false });
    expect(names(body.errors)).toEqual(expect.arrayContaining(['/spec/layers/0/type', '/target', '/training/epochs']));
    expect(JSON.stringify(body.errors)).toContain('"species"');
  });

  describe('a trained version', () => {
    let job: { id: string; result: { version: number; weights_sha256: string; metrics: object } };

    beforeAll(async () => {
      const training = { epochs: 20, batch_size: 16, optimizer: { type: 'adam', learning_rate: 0.01 } };
      await service.post('/v1/models', { name: 'trained', spec: { layers: LAYERS } });
      job = await service.train({ model: 'trained', dataset: iris, target: 'species', training, on_success: { model: 'trained' } });
    });

    it('says where it came from and how it is used', async () => {
      const { status, body } = await service.get('/v1/models/trained/versions/1');
      expect(status).toBe(200);
      expect(body).toMatchObject({
        model: 'trained',
        version: 1,
        job: job.id,
        labels: ['setosa', 'versicolor', 'virginica'],
        weights_sha256: job.result.weights_sha256,
      });
      expect(body.metrics).toEqual(job.result.metrics);
      expect(body.receipt).toMatchObject({ seed: 0, backend: expect.stringMatching(/^(native|reference)/) });
      expect((await service.get('/v1/models/trained')).body.latest_version).toBe(1);
      expect((await service.get('/v1/models/trained/versions')).body.data).toEqual([body]);
      expect((await service.get('/v1/models/trained/versions/2')).status).toBe(404);
      expect((await service.get('/v1/models/trained/versions/zero')).status).toBe(400);
    });

    it('is downloaded whole, in part, as JSON, or not again', async () => {
      const url = `${service.url}/v1/models/trained/versions/1/weights`;
      const whole = await fetch(url);
      const bytes = Buffer.from(await whole.arrayBuffer());
      const headerLength = Number(bytes.readBigUInt64LE(0));
      const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString('utf8'));
      expect(
        Object.keys(header)
          .filter((name) => name !== '__metadata__')
          .sort(),
      ).toEqual(['dense/bias', 'dense/kernel', 'dense_1/bias', 'dense_1/kernel']);
      expect(JSON.parse(header.__metadata__.labels)).toEqual(['setosa', 'versicolor', 'virginica']);
      expect(JSON.parse(header.__metadata__.preprocessing).map(({ name }: { name: string }) => name)).toEqual([
        'sepal_length',
        'sepal_width',
        'petal_length',
        'petal_width',
      ]);
      const sorted = Object.keys(header)
        .filter((name) => name !== '__metadata__')
        .sort();
      const data = bytes.subarray(8 + headerLength);
      const hash = createHash('sha256');
      for (const name of sorted) hash.update(data.subarray(...(header[name].data_offsets as [number, number])));
      expect(hash.digest('hex')).toBe(job.result.weights_sha256);

      const part = await fetch(url, { headers: { range: 'bytes=8-15' } });
      expect(part.status).toBe(206);
      expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(8, 16));
      expect((await fetch(url, { headers: { 'if-none-match': whole.headers.get('etag') ?? '' } })).status).toBe(304);
      const json = (await service.get('/v1/models/trained/versions/1/weights?format=json')).body;
      expect(json.tensors['dense/kernel']).toMatchObject({ dtype: 'F32', shape: [4, 8] });
      expect(Buffer.from(await (await fetch(`${service.url}/v1/jobs/${job.id}/weights`)).arrayBuffer())).toEqual(bytes);
    });

    it('stays when its job is deleted, and goes with its model', async () => {
      expect((await service.remove(`/v1/jobs/${job.id}`)).status).toBe(204);
      expect((await fetch(`${service.url}/v1/models/trained/versions/1/weights`)).status).toBe(200);
      expect((await service.remove('/v1/models/trained')).status).toBe(204);
      expect((await service.get('/v1/models/trained/versions/1')).status).toBe(404);
      expect((await service.remove('/v1/models/trained')).status).toBe(404);
    });
  });
});
