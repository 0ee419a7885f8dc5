import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';

const SOFTMAX = {
  layers: [
    { type: 'dense', units: 8, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
};

const LINEAR = { layers: [{ type: 'dense', units: 1 }] };

describe('options of a training through the API', () => {
  let service: Service;
  let iris: string;

  beforeAll(async () => {
    service = await startService({ WORKER_CONCURRENCY: '1' });
    iris = await service.dataset('iris');
  });

  afterAll(() => service.stop());

  it('are all echoed, used and answered with numbers and tables', async () => {
    const training = {
      epochs: 20,
      loss: { type: 'categorical_cross_entropy', label_smoothing: 0.1 },
      optimizer: { type: 'sgd', learning_rate: 0.1, momentum: 0.9, nesterov: true },
      schedule: { type: 'cosine_decay', decay_steps: 80 },
      metrics: ['accuracy', 'confusion_matrix', 'f1'],
      clip_value: 1,
      clip_norm: 2,
      global_clip_norm: 3,
      class_weight: { setosa: 2, virginica: 0.5 },
      early_stopping: { metric: 'val_accuracy', patience: 20 },
    };
    const ended = await service.train({ spec: SOFTMAX, dataset: iris, target: 'species', training });
    expect(ended).toMatchObject({ status: 'succeeded', request: { training } });
    const { metrics } = ended.result;
    expect(metrics.accuracy).toBeGreaterThan(0.8);
    const counts: number[][] = metrics.val_confusion_matrix;
    expect(counts.map((row) => row.length)).toEqual([3, 3, 3]);
    expect(counts.flat().reduce((sum, count) => sum + count, 0)).toBe(30);
    const { body } = await service.get(ended.links.epochs);
    expect(body.data).toHaveLength(20);
    expect(body.data[0].metrics.confusion_matrix).toHaveLength(3);
    expect(body.data[19].learning_rate).toBeLessThan(body.data[0].learning_rate);
  });

  it('name classes that are there', async () => {
    const training = { epochs: 1, class_weight: { setoza: 2 } };
    const { status, body } = await service.post('/v1/jobs', { spec: SOFTMAX, dataset: iris, target: 'species', training });
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ pointer: '/training/class_weight/setoza', code: 'unknown_class' }]);
  });

  it('name classes of a column of numbers by its numbers', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({ x: 0, y: i % 2 === 0 ? 10 : 20 }));
    const { body: dataset } = await service.post('/v1/datasets', { name: 'numbers', rows });
    const jobWith = (class_weight: object) => ({
      spec: { layers: [{ type: 'dense', units: 1, activation: 'sigmoid' }] },
      dataset: dataset.id,
      target: 'y',
      task: 'classification',
      split: { validation: 0 },
      training: { epochs: 100, optimizer: { type: 'adam', learning_rate: 0.05 }, class_weight },
    });
    const ended = await service.train(jobWith({ 20: 3 }));
    const { body } = await service.get(`${ended.links.predictions}?limit=1`);
    // Without anything to tell them apart, classes are as probable as they weigh.
    expect(body.data[0].prediction).toMatchObject({ label: 20, probabilities: { 20: expect.closeTo(0.75, 1) } });
    const refused = await service.train(jobWith({ 15: 3 }));
    expect(refused).toMatchObject({ status: 'failed', stop_reason: 'error', error: { code: 'spec_invalid' } });
    expect(refused.error.errors).toMatchObject([{ pointer: '/training/class_weight/15', code: 'unknown_class', expected: ['10', '20'] }]);
  });

  it('take every optimizer and metric of the catalog', async () => {
    const types = async (kind: string) => (await service.get(`/v1/catalog/${kind}`)).body.data.map(({ type }: { type: string }) => type);
    const posted: { type: string; ended: Promise<{ status: string; error: unknown }> }[] = [];
    for (const type of await types('optimizers')) {
      if (type === 'perceptron') continue;
      const training = { epochs: 1, optimizer: { type } };
      posted.push({ type, ended: service.train({ spec: SOFTMAX, dataset: iris, target: 'species', training }) });
    }
    for (const type of await types('metrics')) {
      const isOfClasses = !(await isForNumbers(type));
      const [spec, target] = isOfClasses ? [SOFTMAX, 'species'] : [LINEAR, 'petal_width'];
      const ended = service.train({ spec, dataset: iris, target, training: { epochs: 1, metrics: [type] } });
      posted.push({
        type,
        ended: ended.then((job) => ({ ...job, error: type === 'loss' || type in job.result.metrics ? null : 'no value' })),
      });
    }
    expect(posted.length).toBeGreaterThan(20);
    for (const { type, ended } of posted) expect({ type, ...(await ended) }).toMatchObject({ type, status: 'succeeded', error: null });
  });

  /** Whether a training on numbers can report the metric. */
  async function isForNumbers(type: string): Promise<boolean> {
    const training = { epochs: 1, metrics: [type] };
    return (await service.post('/v1/models/validate', { spec: LINEAR, dataset: iris, target: 'petal_width', training })).body.valid;
  }

  it('weigh rows by a column, which is no feature then', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({ x: i % 2, y: i < 20 ? 1 : 3, importance: i < 20 ? 1 : 0 }));
    const { body: dataset } = await service.post('/v1/datasets', { name: 'weighed', rows });
    const job = {
      spec: { layers: [{ type: 'dense', units: 1 }] },
      dataset: dataset.id,
      target: 'y',
      task: 'regression',
      split: { validation: 0 },
      training: { epochs: 200, optimizer: { type: 'adam', learning_rate: 0.05 }, sample_weight_column: 'importance' },
    };
    const ended = await service.train(job);
    expect(ended).toMatchObject({ status: 'succeeded', request: { features: ['x'] } });
    // Only the rows with y = 1 count: without weights the best constant would be 2.
    const { body } = await service.get(`${ended.links.predictions}?limit=2`);
    expect(body).toMatchObject({ has_more: true });
    for (const { prediction } of body.data) expect(prediction.value).toBeCloseTo(1, 1);
    const { body: next } = await service.get(`${ended.links.predictions}?limit=2&cursor=${body.next_cursor}`);
    expect(next.data.map(({ row }: { row: number }) => row)).toEqual([2, 3]);
    const refused = await service.post('/v1/jobs', { ...job, training: { ...job.training, sample_weight_column: 'importanc' } });
    expect(refused.body.errors).toMatchObject([{ pointer: '/training/sample_weight_column', code: 'weights_unavailable' }]);
  });

  it('leave a target in its units for a loss that means them', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ x: i % 3, visits: [2, 5, 9][i % 3] }));
    const { body: dataset } = await service.post('/v1/datasets', { name: 'counts', rows });
    const ended = await service.train({
      spec: { layers: [{ type: 'dense', units: 1, activation: 'exponential' }] },
      dataset: dataset.id,
      target: 'visits',
      task: 'regression',
      split: { validation: 0 },
      training: { epochs: 150, loss: 'poisson', optimizer: { type: 'adam', learning_rate: 0.05 } },
    });
    expect(ended).toMatchObject({ status: 'succeeded' });
    expect(ended.result.metrics.mean_absolute_error).toBeLessThan(1);
  });

  it('keep on request how every layer did after every epoch', async () => {
    const request = { spec: SOFTMAX, dataset: iris, target: 'species', training: { epochs: 3 } };
    const ended = await service.train({ ...request, diagnostics: true });
    const { body } = await service.get(ended.links.diagnostics);
    expect(body.data.map(({ epoch }: { epoch: number }) => epoch)).toEqual([1, 2, 3]);
    const [first] = body.data;
    expect(first.layers.map(({ layer }: { layer: string }) => layer)).toEqual(['dense', 'dense_1']);
    expect(first.layers[0].gradient_norm).toBeGreaterThan(0);
    expect(first.layers[0].dead).toBeLessThan(1);
    expect(first.layers[1].dead).toBeNull();
    // What they need is part of what the job may take.
    const neededBy = async (further: object): Promise<number> => {
      const { body: refused } = await service.post('/v1/jobs', { ...request, ...further, limits: { max_memory_bytes: 1 } });
      return refused.errors[0].received;
    };
    expect(await neededBy({ diagnostics: true })).toBeGreaterThan(await neededBy({}));
    const without = await service.train(request);
    expect(without.result.weights_sha256).toBe(ended.result.weights_sha256);
    expect(await service.get(without.links.diagnostics)).toMatchObject({ status: 409, body: { code: 'state_conflict' } });
  });

  it('that let a loss grow beyond all numbers leave finite epochs before the end', async () => {
    const training = { epochs: 200, optimizer: { type: 'sgd', learning_rate: 1.5 } };
    const ended = await service.train({ spec: LINEAR, dataset: iris, target: 'petal_width', training });
    expect(ended).toMatchObject({ status: 'failed', stop_reason: 'divergence' });
    const { body } = await service.get(ended.links.epochs);
    expect(body.data.length).toBeGreaterThan(0);
    for (const { metrics } of body.data) for (const value of Object.values(metrics)) expect(value).toSatisfy(Number.isFinite);
    expect(ended.error.errors[0].step).toBeGreaterThanOrEqual(body.data.at(-1).step);
  });

  it('that make a training diverge end it with the place named', async () => {
    const ended = await service.train({
      spec: {
        layers: [
          { type: 'dense', units: 8, activation: 'relu' },
          { type: 'dense', units: 1 },
        ],
      },
      dataset: iris,
      target: 'petal_width',
      training: { epochs: 50, optimizer: { type: 'sgd', learning_rate: 1e6 } },
    });
    expect(ended).toMatchObject({ status: 'failed', stop_reason: 'divergence', result: null, error: { code: 'divergence' } });
    const [where] = ended.error.errors;
    expect(where).toMatchObject({ layer: expect.stringMatching(/^dense/), tensor: expect.any(String), step: expect.any(Number) });
    expect(ended.error.detail).toContain(where.layer);
  });
});
