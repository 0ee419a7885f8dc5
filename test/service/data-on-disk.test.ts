import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';

/** Numbers, gaps, categories, times, flags and weights: every way a row is encoded. */
const ROWS = Array.from({ length: 3000 }, (_, i) => {
  const wave = Math.sin(i * 12.9898) * 100;
  return {
    at: new Date(Date.UTC(2020, 0, 1) + i * 3_600_000).toISOString(),
    level: i % 17 === 0 ? null : wave,
    shift: Math.cos(i * 78.233),
    kind: ['red', 'green', 'blue'][(i * 7) % 3],
    isOpen: i % 5 < 2,
    weight: 1 + (i % 4),
    total: wave * 2 + (i % 3),
    group: wave > 30 ? 'high' : wave < -30 ? 'low' : 'middle',
  };
});

const SCHEMA = [{ name: 'level', missing: 'median' }];
const classes = {
  layers: [
    { type: 'dense', units: 8, activation: 'relu' },
    { type: 'dropout', rate: 0.1 },
    { type: 'dense', units: 3, activation: 'softmax' },
  ],
};
const numbers = {
  layers: [
    { type: 'dense', units: 4, activation: 'tanh' },
    { type: 'dense', units: 1 },
  ],
};
const features = ['at', 'level', 'shift', 'kind', 'isOpen'];
const early = { metric: 'val_loss', patience: 2, min_delta: 0, restore_best: true };

const JOBS: Readonly<Record<string, object>> = {
  'classes, with weights of rows and classes': {
    spec: classes,
    target: 'group',
    features,
    split: { validation: 0.2, test: 0.1 },
    training: {
      epochs: 3,
      batch_size: 50,
      sample_weight_column: 'weight',
      class_weight: { high: 2 },
      metrics: ['accuracy', 'roc_auc', 'f1'],
    },
  },
  'numbers, with early stopping': {
    spec: numbers,
    target: 'total',
    features,
    training: { epochs: 30, batch_size: 64, optimizer: { type: 'adam', learning_rate: 0.1 }, early_stopping: early },
  },
  'two inputs and two outputs': {
    spec: {
      inputs: [
        { name: 'looks', shape: [4], columns: ['kind', 'isOpen'] },
        { name: 'numbers', shape: [2], columns: ['level', 'shift'] },
      ],
      layers: [
        { name: 'both', type: 'concatenate', inbound: ['looks', 'numbers'] },
        { name: 'size', type: 'dense', units: 1, inbound: ['both'] },
        { name: 'class', type: 'dense', units: 3, activation: 'softmax', inbound: ['both'] },
      ],
      outputs: ['size', 'class'],
    },
    target: ['total', 'group'],
    training: { epochs: 2, outputs: { class: { metrics: ['roc_auc'] } } },
  },
  'a forecast': {
    spec: { layers: [{ type: 'flatten' }, { type: 'dense', units: 2 }] },
    target: 'shift',
    window: { history: 24, horizon: 2, order_by: 'at', relative: 'last' },
    training: { epochs: 2, batch_size: 128 },
  },
};

/** With the smallest limit there is, each of these datasets is several times too large. */
const LIMIT = 64 * 1024;

describe('a dataset that does not fit in memory', () => {
  let held: Service;
  let stored: Service;
  const datasets = new Map<Service, string>();

  beforeAll(async () => {
    [held, stored] = await Promise.all([
      startService({ WORKER_CONCURRENCY: '1', BODY_BYTES_MAX: '10000000' }),
      startService({ WORKER_CONCURRENCY: '1', BODY_BYTES_MAX: '10000000', DATASET_MEMORY_BYTES: String(LIMIT) }),
    ]);
    for (const service of [held, stored]) {
      const { status, body } = await service.post('/v1/datasets', { name: 'rows', rows: ROWS, schema: SCHEMA });
      expect({ status, errors: body.errors }).toEqual({ status: 201, errors: undefined });
      expect(body.bytes).toBeGreaterThan(2 * LIMIT);
      datasets.set(service, body.id);
    }
  });

  afterAll(() => Promise.all([held.stop(), stored.stop()]));

  it.each(Object.keys(JOBS))('trains to the same weights and metrics: %s', async (name) => {
    const job = (service: Service) => ({
      ...JOBS[name],
      dataset: datasets.get(service),
      on_success: { model: name.replaceAll(/\W+/g, '-') },
    });
    const [expected, ended] = await Promise.all([held, stored].map((service) => service.train(job(service))));
    expect(expected.error).toBeNull();
    expect(ended.result).toEqual(expected.result);
    expect(ended.receipt).toEqual(expected.receipt);
    const epochs = async (service: Service, links: { epochs: string }) =>
      (await service.get(links.epochs)).body.data.map(({ metrics }: { metrics: object }) => metrics);
    expect(await epochs(stored, ended.links)).toEqual(await epochs(held, expected.links));
    const version = async (service: Service) => (await service.get(`/v1/models/${name.replaceAll(/\W+/g, '-')}/versions/1`)).body;
    expect((await version(stored)).preprocessing).toEqual((await version(held)).preprocessing);
  });

  it('names the row that cannot be trained on', async () => {
    const rows = Array.from({ length: 9000 }, (_, i) => ({ x: i, y: i, weight: i === 8000 ? -1 : 1 }));
    const { body: dataset } = await stored.post('/v1/datasets', { name: 'weights', rows });
    const ended = await stored.train({
      spec: numbers,
      dataset: dataset.id,
      target: 'y',
      training: { epochs: 1, sample_weight_column: 'weight' },
    });
    expect(ended).toMatchObject({
      status: 'failed',
      error: { code: 'dataset_invalid', detail: expect.stringContaining('row 8001 has -1') },
    });
  });

  it('counts in the memory a job needs only as far as it is held', async () => {
    const question = (service: Service) => ({ spec: numbers, dataset: datasets.get(service), target: 'total', training: { epochs: 1 } });
    const [all, parts] = await Promise.all([held, stored].map((service) => service.post('/v1/models/validate', question(service))));
    expect(all!.body.errors).toEqual([]);
    expect(parts!.body.memory_bytes).toBeLessThan(all!.body.memory_bytes);
  });
});
