import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { irisRequest, type JobsApp, startJobsApp } from './jobs-app.ts';

let app: JobsApp;
beforeAll(async () => {
  app = await startJobsApp(['iris', 'digits']);
});
afterAll(() => app.close());

const iris = () => irisRequest(app.datasetId('iris'));
const jobCount = async () => (await app.database.pool.query('SELECT id FROM job')).rowCount;

describe('posting a job', () => {
  test('answers 202 with the queued job, its place and every default filled in', async () => {
    const { status, headers, body } = await app.post(iris());
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/v1/jobs/${body.id}`);
    expect(body).toMatchObject({
      object: 'job',
      kind: 'training',
      status: 'queued',
      stop_reason: null,
      result: null,
      error: null,
      best: null,
    });
    expect(body.queue_position).toBeGreaterThan(0);
    expect(body.request).toMatchObject({
      kind: 'training',
      model: null,
      task: 'classification',
      target: 'species',
      features: ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'],
      split: { train: 0.8, validation: 0.2, test: 0, strategy: 'stratified', seed: 0 },
      training: {
        epochs: 5,
        batch_size: 32,
        optimizer: { type: 'adam', learning_rate: 0.001 },
        metrics: ['accuracy'],
        seed: 0,
        shuffle: true,
        early_stopping: null,
      },
      limits: { max_seconds: null, max_memory_bytes: null },
      on_success: null,
      metadata: {},
    });
    expect(body.request.spec.layers.map((layer: { name: string }) => layer.name)).toEqual(['dense', 'dense_1']);
    expect(body.progress).toMatchObject({ fraction: 0, epoch: 0, epochs: 5, step: 0, steps: 20 });
    expect(body.timeline).toMatchObject([{ status: 'queued' }]);
    expect((await app.get(`/v1/jobs/${body.id}`)).body).toEqual(body);
  });

  test('rings one doorbell, in the same transaction', async () => {
    const { body } = await app.post(iris());
    const { rows } = await app.database.pool.query('SELECT attempt FROM outbox WHERE job_id = $1', [body.id]);
    expect(rows).toEqual([{ attempt: 1 }]);
  });

  test('a spec with five different faults is answered once with all five, and nothing is queued', async () => {
    const before = await jobCount();
    const { status, body } = await app.post({
      ...iris(),
      spec: {
        layers: [
          { type: 'dens', units: 8 },
          { type: 'dense', units: -4, activation: 'relu' },
          { type: 'dense', units: 8, activaton: 'relu' },
          { type: 'dropout', rate: '0.3' },
          { type: 'dense', units: 7, activation: 'softmax' },
        ],
      },
    });
    expect(status).toBe(422);
    const faults = Object.fromEntries(body.errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code]));
    expect(faults).toMatchObject({
      '/spec/layers/0/type': 'unknown_layer',
      '/spec/layers/1/units': 'out_of_range',
      '/spec/layers/2/activaton': 'unknown_field',
      '/spec/layers/3/rate': 'wrong_type',
      '/spec/layers/4/units': 'target_mismatch',
    });
    expect(body.errors).toHaveLength(5);
    expect(await jobCount()).toBe(before);
  });

  test('faults of every part of the body come in one reply', async () => {
    const { status, body } = await app.post({
      dataset: 'ds_01J00000000000000000000000',
      target: 5,
      spec: { layers: [{ type: 'dense', units: 0 }] },
      training: { epochs: 0 },
      split: { validation: 2 },
      limits: { max_second: 3 },
      metadata: { a: 1 },
      kind: 'sweep',
      colour: 'red',
    });
    expect(status).toBe(422);
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer);
    for (const pointer of [
      '/dataset',
      '/target',
      '/spec/layers/0/units',
      '/training/epochs',
      '/split/validation',
      '/limits/max_second',
      '/metadata/a',
      '/kind',
      '/colour',
    ]) {
      expect(pointers).toContain(pointer);
    }
  });

  test.each([
    ['a target that does not exist', { target: 'speceis' }, '/target', 'unknown_column'],
    ['the target among the features', { features: ['petal_length', 'species'] }, '/features/1', 'target_among_features'],
    ['a feature that does not exist', { features: ['petal'] }, '/features/0', 'unknown_column'],
    ['parts of more than all rows', { split: { validation: 0.6, test: 0.6 } }, '/split', 'out_of_range'],
    ['no rows left to train on', { split: { train: 0.001 } }, '/split', 'no_training_rows'],
    ['neither spec nor model', { spec: undefined }, '/spec', 'missing_field'],
    ['an unknown model', { spec: undefined, model: 'nobody' }, '/model', 'unknown_model'],
    ['both spec and model', { model: 'nobody' }, '/model', 'conflicting_fields'],
    ['more memory than allowed', { limits: { max_memory_bytes: 1 } }, '/limits/max_memory_bytes', 'limit_exceeded'],
    ['too many epochs', { training: { epochs: 1e9 } }, '/training/epochs', 'limit_exceeded'],
    ['no epochs', { training: {} }, '/training/epochs', 'missing_field'],
    ['null for a number', { training: { epochs: null } }, '/training/epochs', 'wrong_type'],
    [
      'stratified numbers',
      { target: 'petal_width', spec: { layers: [{ type: 'dense', units: 1 }] }, split: { strategy: 'stratified' } },
      '/split/strategy',
      'task_mismatch',
    ],
  ])('refuses %s', async (_, change, pointer, code) => {
    const { status, body } = await app.post({ ...iris(), ...change });
    expect(status).toBe(422);
    expect(body.errors).toContainEqual(expect.objectContaining({ pointer, code }));
  });

  test('suggestions mend the fault they come with', async () => {
    const { body } = await app.post({ ...iris(), target: 'speceis' });
    expect(body.errors[0].suggestion).toEqual([{ op: 'replace', path: '/target', value: 'species' }]);
  });

  test('the last layer decides the task: softmax over ten units on integers means classes, one linear unit a regression', async () => {
    const digits = { ...iris(), dataset: app.datasetId('digits'), target: 'digit' };
    const classes = await app.post({ ...digits, spec: { layers: [{ type: 'dense', units: 10, activation: 'softmax' }] } });
    const numbers = await app.post({ ...digits, spec: { layers: [{ type: 'dense', units: 1 }] } });
    expect([classes.body.request?.task, numbers.body.request?.task]).toEqual(['classification', 'regression']);
    expect([classes.body.request.split.strategy, numbers.body.request.split.strategy]).toEqual(['stratified', 'random']);
  });

  test('a stored model can be named instead of a spec', async () => {
    const { spec, ...rest } = iris();
    const name = 'iris-net';
    await fetch(`${app.url}/v1/models`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, spec: { input_shape: [4], ...spec } }),
    });
    const { status, body } = await app.post({ ...rest, model: name });
    expect(status).toBe(202);
    expect(body.request.model).toBe(name);
    expect(body.request.spec.layers).toHaveLength(2);
  });
});

describe('posting with an Idempotency-Key', () => {
  test('sixteen posts at once make one job and get the same reply', async () => {
    const before = await jobCount();
    const replies = await Promise.all(Array.from({ length: 16 }, () => app.post(iris(), { 'idempotency-key': 'once' })));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
    expect(await jobCount()).toBe((before ?? 0) + 1);
  });

  test('another body under the same key is a conflict', async () => {
    await app.post(iris(), { 'idempotency-key': 'twice' });
    const { status, body } = await app.post({ ...iris(), training: { epochs: 6 } }, { 'idempotency-key': 'twice' });
    expect([status, body.code]).toEqual([409, 'idempotency_conflict']);
  });
});
