import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../support/service.ts';

const STEP = { layers: [{ type: 'dense', units: 1, activation: 'step' }] };
const PAIRS = [0, 1].flatMap((a) => [0, 1].map((b) => ({ a, b })));

describe('networks of threshold units through the API', () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService({ WORKER_CONCURRENCY: '1' });
  });

  afterAll(() => service.stop());

  async function stored(dataset: { name: string; rows: readonly object[] }): Promise<string> {
    const { status, body } = await service.post('/v1/datasets', dataset);
    expect({ status, errors: body.errors }).toEqual({ status: 201, errors: undefined });
    return body.id;
  }

  const truthTable = (name: string, truth: (a: number, b: number) => boolean) =>
    stored({ name, rows: PAIRS.map(({ a, b }) => ({ a, b, y: Number(truth(a, b)) })) });

  const perceptron = (dataset: string) => ({
    spec: STEP,
    dataset,
    target: 'y',
    split: { validation: 0 },
    training: { epochs: 100, optimizer: { type: 'perceptron' } },
  });

  it.each(['identity', 'and', 'or', 'and-not'])('gives the truth table of logic-%s.json with the weights of the file', async (name) => {
    const { dataset, job } = JSON.parse(await readFile(new URL(`../../examples/logic-${name}.json`, import.meta.url), 'utf8'));
    const ended = await service.train({ ...job, dataset: await stored(dataset) });
    expect(ended).toMatchObject({ kind: 'evaluation', status: 'succeeded', stop_reason: 'completed', error: null });
    expect(ended.result.metrics).toEqual({ loss: 0, accuracy: 1 });
    const { body } = await service.get(ended.links.predictions);
    expect(body.has_more).toBe(false);
    const answers = body.data.map(({ prediction }: { prediction: { label: number } }) => prediction.label);
    expect(answers).toEqual(dataset.rows.map(({ y }: { y: number }) => y));
    expect(body.data.map(({ target }: { target: object }) => target)).toEqual(dataset.rows.map(({ y }: { y: number }) => ({ y })));
  });

  it('measures wrong weights as wrong', async () => {
    const dataset = await truthTable('and', (a, b) => a === 1 && b === 1);
    const always = { 'dense/kernel': [[0], [0]], 'dense/bias': [1] };
    const ended = await service.train({ kind: 'evaluation', spec: STEP, dataset, target: 'y', initial_weights: always });
    expect(ended.result.metrics).toEqual({ loss: 0.75, accuracy: 0.25 });
  });

  it('refuses weights that are not those of the network, each by its name', async () => {
    const dataset = await truthTable('and', (a, b) => a === 1 && b === 1);
    const initial_weights = { 'dense/kernel': [[1, 1]], 'dens/bias': [0] };
    const job = { kind: 'evaluation', spec: STEP, dataset, target: 'y', initial_weights };
    const { status, body } = await service.post('/v1/jobs', job);
    expect(status).toBe(422);
    // Shapes are not known without the columns: only those are at fault then.
    const elsewhere = await service.post('/v1/jobs', { ...job, target: 'z' });
    expect(elsewhere.body.errors).toMatchObject([{ pointer: '/target', code: 'unknown_column' }]);
    expect(body.errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code])).toEqual([
      ['/initial_weights/dens~1bias', 'unknown_weight'],
      ['/initial_weights/dense~1bias', 'missing_field'],
      ['/initial_weights/dense~1kernel', 'weight_mismatch'],
    ]);
  });

  it.each([
    ['AND', (a: number, b: number) => a === 1 && b === 1],
    ['OR', (a: number, b: number) => a === 1 || b === 1],
    ['NAND', (a: number, b: number) => !(a === 1 && b === 1)],
  ])("learns %s by Rosenblatt's rule", async (name, truth) => {
    const ended = await service.train(perceptron(await truthTable(name, truth)));
    expect(ended).toMatchObject({ status: 'succeeded', stop_reason: 'completed', result: { converged: true } });
    expect(ended.result.metrics).toMatchObject({ loss: 0, accuracy: 1 });
  });

  it('says of XOR that no line separates it', async () => {
    const ended = await service.train(perceptron(await truthTable('XOR', (a, b) => a !== b)));
    expect(ended).toMatchObject({ status: 'succeeded', stop_reason: 'not_separable', result: { converged: false } });
    expect(ended.result.metrics.accuracy).toBeLessThan(1);
  });
});
