import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Service, startService } from '../support/service.ts';

const IRIS = {
  layers: [
    { type: 'dense', units: 16, activation: 'relu' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
};
const DIGITS = {
  input_shape: [8, 8, 1],
  layers: [
    { type: 'conv2d', filters: 8, kernel_size: 3, activation: 'relu' },
    { type: 'flatten' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ],
};

interface Row {
  readonly learning_rate: number;
  readonly loss: number | null;
  readonly smoothed_loss: number | null;
}

describe('learning rates through the API', () => {
  let service: Service;
  let iris: string;
  let digits: string;

  beforeAll(async () => {
    service = await startService({ WORKER_CONCURRENCY: '1' });
    [iris, digits] = [await service.dataset('iris'), await service.dataset('digits')];
  });

  afterAll(() => service.stop());

  const rangeTest = (changes: object = {}) => ({ kind: 'lr_range_test', spec: IRIS, dataset: iris, target: 'species', ...changes });

  /** Takes seconds. */
  const slowTest = (iterations: number) => {
    const training = { batch_size: 1024, schedule: { type: 'lr_range_test', iterations, max_learning_rate: 1e-4 } };
    return rangeTest({ spec: DIGITS, dataset: digits, target: 'digit', task: 'classification', training });
  };

  it.each([
    ['iris', () => rangeTest()],
    ['digits', () => rangeTest({ spec: DIGITS, dataset: digits, target: 'digit', task: 'classification' })],
  ])('are tested on %s, from a tiny one to one that is too large', async (_name, request) => {
    const ended = await service.train(request());
    expect(ended).toMatchObject({ kind: 'lr_range_test', status: 'succeeded', stop_reason: 'completed', result: { model: null } });
    const schedule = { type: 'lr_range_test', min_learning_rate: 1e-5, max_learning_rate: 10, iterations: 100 };
    expect(ended.request.training.schedule).toEqual(schedule);
    expect(ended.progress).toMatchObject({ fraction: 1, steps: 100, eta_seconds: 0 });
    const { learning_rates: rows, suggested_learning_rate: suggested }: { learning_rates: Row[]; suggested_learning_rate: number } =
      ended.result;
    expect(rows[0]?.learning_rate).toBe(1e-5);
    for (const [step, { learning_rate }] of rows.entries()) expect(learning_rate / (1e-5 * 1e6 ** (step / 99))).toBeCloseTo(1, 9);
    const lowest = Math.min(...rows.map(({ smoothed_loss }) => smoothed_loss ?? Number.POSITIVE_INFINITY));
    expect(rows.find(({ smoothed_loss }) => smoothed_loss === lowest)?.learning_rate).toBe(suggested * 10);
    expect(ended.receipt).toMatchObject({ backend: expect.any(String), learning_rate: suggested });
    // The same test finds the same.
    expect((await service.train(request())).result).toEqual(ended.result);
    for (const path of [ended.links.weights, ended.links.predictions]) expect((await service.get(path)).status).toBe(409);
  });

  it('are tested in the range that was asked for, up to where nothing is finite any more', async () => {
    const schedule = { type: 'lr_range_test', min_learning_rate: 1, max_learning_rate: 1e35, iterations: 40 };
    const spec = { layers: [{ type: 'dense', units: 1 }] };
    const training = { optimizer: { type: 'sgd' }, schedule };
    const ended = await service.train(rangeTest({ spec, target: 'petal_width', training }));
    expect(ended).toMatchObject({ status: 'succeeded', request: { training: { schedule } }, result: { diverged: true } });
    const rows: Row[] = ended.result.learning_rates;
    expect(rows.length).toBeLessThan(40);
    for (const { loss } of rows.slice(0, -1)) expect(loss).toSatisfy(Number.isFinite);
  });

  it('are not tested for what a range test has not', async () => {
    const training = { schedule: { type: 'cosine_decay' } };
    const { status, body } = await service.post('/v1/jobs', rangeTest({ training, on_success: { model: 'iris' }, diagnostics: true }));
    expect(status).toBe(422);
    expect(body.errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code])).toEqual([
      ['/on_success', 'conflicting_fields'],
      ['/diagnostics', 'conflicting_fields'],
      ['/training/schedule/type', 'conflicting_fields'],
    ]);
    const long = await service.post('/v1/jobs', rangeTest({ training: { schedule: { type: 'lr_range_test', iterations: 10_001 } } }));
    expect(long.body.errors).toMatchObject([{ pointer: '/training/schedule/iterations', code: 'limit_exceeded' }]);
  });

  it('are no longer tested when the job is cancelled', async () => {
    const { body: job } = await service.post('/v1/jobs', slowTest(10_000));
    await eventually('the test has begun', async () => ((await service.get(job.links.self)).body.progress.step > 0 ? true : null));
    await service.post(job.links.cancel, {});
    expect(await service.ended(job.id)).toMatchObject({ status: 'cancelled', result: null });
  });

  it('are tested from the beginning by the next worker when one was killed', async () => {
    const request = slowTest(5_000);
    const { body: job } = await service.post('/v1/jobs', request);
    await eventually('the test has begun', async () => ((await service.get(job.links.self)).body.progress.step > 0 ? true : null));
    const { body: workers } = await service.get('/v1/workers');
    process.kill(workers.data[0].pid, 'SIGKILL');
    const ended = await service.ended(job.id);
    expect(ended).toMatchObject({ status: 'succeeded', attempt: 2 });
    expect((await service.train(request)).result).toEqual(ended.result);
  });

  it('are found by a training that leaves its own to the service', async () => {
    const training = { epochs: 40, optimizer: { type: 'adam', learning_rate: 'auto' }, seed: 3 };
    const request = { spec: IRIS, dataset: iris, target: 'species', training };
    const ended = await service.train(request);
    expect(ended).toMatchObject({ status: 'succeeded', request: { training: { optimizer: { learning_rate: 'auto' } } } });
    expect(ended.result.metrics.val_accuracy).toBeGreaterThanOrEqual(0.9);
    const rate: number = ended.receipt.learning_rate;
    expect(rate).toBe((await service.train({ ...request, kind: 'lr_range_test' })).result.suggested_learning_rate);
    const { body } = await service.get(ended.links.epochs);
    expect(body.data.map((epoch: { learning_rate: number }) => epoch.learning_rate)).toEqual(Array(40).fill(rate));
    const again = await service.train(request);
    const given = await service.train({ ...request, training: { ...training, optimizer: { type: 'adam', learning_rate: rate } } });
    for (const other of [again, given]) expect(other.result.weights_sha256).toBe(ended.result.weights_sha256);
  });

  it('that were found stay when the job goes on after its worker was killed', async () => {
    const training = { epochs: 200, batch_size: 8, optimizer: { type: 'adam', learning_rate: 'auto' }, checkpoint: { every_seconds: 0 } };
    const request = { spec: DIGITS, dataset: digits, target: 'digit', task: 'classification', training };
    const undisturbed = await service.train(request);
    const { body: job } = await service.post('/v1/jobs', request);
    await eventually('an epoch is done', async () => ((await service.get(job.links.self)).body.progress.epoch > 1 ? true : null));
    const { body: workers } = await service.get('/v1/workers');
    process.kill(workers.data[0].pid, 'SIGKILL');
    const ended = await service.ended(job.id);
    expect(ended).toMatchObject({ status: 'succeeded', attempt: 2, receipt: { learning_rate: undisturbed.receipt.learning_rate } });
    expect(ended.result).toEqual(undisturbed.result);
  });

  it('that are far too high end a training, and its last checkpoint stays as it was', async () => {
    const spec = {
      layers: [
        { type: 'dense', units: 8, activation: 'relu' },
        { type: 'dense', units: 1 },
      ],
    };
    // One update per epoch: the first ones leave numbers that are huge, but numbers.
    const training = { epochs: 50, batch_size: 120, optimizer: { type: 'sgd', learning_rate: 1e6 } };
    const ended = await service.train({ spec, dataset: iris, target: 'petal_width', training });
    expect(ended).toMatchObject({ status: 'failed', stop_reason: 'divergence', result: null, error: { code: 'divergence' } });
    const [where] = ended.error.errors;
    expect(where.layer).toMatch(/^dense/);
    expect(ended.error.detail).toContain(where.layer);
    const { body } = await service.get(`/v1/jobs/${ended.id}/checkpoints`);
    expect(body.data[0]).toMatchObject({ object: 'checkpoint', latest: true, epoch: expect.any(Number) });
    const weights = await service.get(`/v1/jobs/${ended.id}/checkpoints/${body.data[0].id}/weights?format=json`);
    expect(weights.status).toBe(200);
    const tensors: Record<string, { data: unknown[] }> = weights.body.tensors;
    expect(Object.keys(tensors)).toEqual(['dense/kernel', 'dense/bias', 'dense_1/kernel', 'dense_1/bias']);
    const numbers = Object.values(tensors).flatMap(({ data }) => data.flat(2));
    // Three measures and three species go in.
    expect(numbers.length).toBe(6 * 8 + 8 + 8 + 1);
    for (const number of numbers) expect(number).toSatisfy(Number.isFinite);
  });

  it('have no word but auto, and a perceptron has none', async () => {
    const training = (optimizer: object) => ({ spec: IRIS, dataset: iris, target: 'species', training: { epochs: 1, optimizer } });
    const refused = await service.post('/v1/jobs', training({ type: 'adam', learning_rate: '0.01' }));
    expect(refused.body.errors).toMatchObject([
      { pointer: '/training/optimizer/learning_rate', code: 'wrong_type', suggestion: [{ op: 'replace', value: 0.01 }] },
    ]);
    const perceptron = await service.post('/v1/jobs', training({ type: 'perceptron', learning_rate: 'auto' }));
    expect(perceptron.body.errors).toContainEqual(expect.objectContaining({ pointer: '/training/optimizer/learning_rate' }));
  });
});
