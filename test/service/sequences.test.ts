import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';

const SPEC = {
  input_dtype: 'int32',
  layers: [
    { type: 'embedding', input_dim: 5, output_dim: 4, mask_zero: true },
    { type: 'gru', units: 8 },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
};

/** Every word of two to four letters 1 to 3: does it end in 1? Reading only the padded end would not tell. */
const WORDS = [2, 3, 4].flatMap((length) =>
  Array.from({ length: 3 ** length }, (_, code) => Array.from({ length }, (__, place) => 1 + (Math.floor(code / 3 ** place) % 3))),
);
const ROWS = WORDS.map((word) => ({ word, rule: word.at(-1) === 1 }));

describe('columns of sequences through the API', () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService({ WORKER_CONCURRENCY: '1' });
  });

  afterAll(() => service.stop());

  it('keeps lists as they were posted and pads them for the network', async () => {
    const { status, body } = await service.post('/v1/datasets', { name: 'words', rows: ROWS });
    expect(status).toBe(201);
    expect(body.schema[0]).toMatchObject({ name: 'word', type: 'sequence', length: 4, encode: 'none' });
    expect((await service.get(`/v1/datasets/${body.id}/rows?limit=1`)).body.data).toEqual([{ word: [1, 1], rule: true }]);

    const job = await service.train({
      spec: SPEC,
      dataset: body.id,
      target: 'rule',
      split: { validation: 0.2 },
      training: { epochs: 60, batch_size: 16, optimizer: { type: 'adam', learning_rate: 0.02 } },
      on_success: { model: 'words', deploy: 'words' },
    });
    expect(job.error).toBeNull();
    expect(job.request.spec.input_shape).toEqual([4]);
    expect(job.result.metrics.val_accuracy).toBe(1);
  });

  it('predicts from lists of any length up to the longest, and names what is no such list', async () => {
    const predict = async (...words: unknown[]) =>
      (await service.post('/v1/deployments/words/predict', { instances: words.map((word) => ({ word })) })).body;
    const { predictions } = await predict([2, 1], [1, 2, 2, 3], [3, 2, 1]);
    expect(predictions.map(({ label }: { label: boolean }) => label)).toEqual([true, false, true]);
    expect((await predict([1, 2, 3, 1, 2], 7, null)).errors).toMatchObject([
      { pointer: '/instances/0/word', code: 'wrong_length', expected: 4, received: 5 },
      { pointer: '/instances/1/word', code: 'wrong_type', expected: 'array' },
      { pointer: '/instances/2/word', code: 'missing_value' },
    ]);
  });

  it('leaves the padding out of the statistics of batch normalisation', async () => {
    const { body: dataset } = await service.post('/v1/datasets', { name: 'padded words', rows: ROWS });
    const [embedding, ...others] = SPEC.layers;
    const normalization = { type: 'batch_normalization', name: 'normal', momentum: 0 };
    const job = await service.train({
      spec: { ...SPEC, layers: [{ ...embedding, name: 'letters', trainable: false }, normalization, ...others] },
      dataset: dataset.id,
      target: 'rule',
      split: { validation: 0 },
      // One step, after which the running statistics are those of all words.
      training: { epochs: 1, batch_size: ROWS.length },
    });
    expect(job.error).toBeNull();
    const { tensors } = (await service.get(`/v1/jobs/${job.id}/weights?format=json`)).body;
    const vectors: number[] = tensors['letters/embeddings'].data;
    for (const channel of [0, 1, 2, 3]) {
      const values = WORDS.flat().map((letter) => vectors[letter * 4 + channel] ?? Number.NaN);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      expect(tensors['normal/moving_mean'].data[channel]).toBeCloseTo(mean, 6);
      expect(tensors['normal/moving_variance'].data[channel] / variance).toBeCloseTo(1, 4);
    }
  });

  it('reads lists from the cells of a CSV file, and refuses cells that hold none with their line', async () => {
    const form = (csv: string) => {
      const data = new FormData();
      data.set('file', new Blob([csv]), 'words.csv');
      data.set('schema', JSON.stringify([{ name: 'word', type: 'sequence' }]));
      return fetch(`${service.url}/v1/datasets`, { method: 'POST', body: data });
    };
    const good = await form('word,y\n"[1, 2]",0\n"[3]",1\n');
    expect(good.status).toBe(201);
    expect(((await good.json()) as { schema: object[] }).schema[0]).toMatchObject({ type: 'sequence', length: 2 });
    const bad = await form('word,y\n"[1, 2]",0\n"[a]",1\n');
    expect(bad.status).toBe(422);
    expect(((await bad.json()) as { errors: object[] }).errors).toMatchObject([{ line: 3, column: 'word', code: 'wrong_format' }]);
  });
});
