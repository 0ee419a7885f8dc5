import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeWeights } from '../../src/engine/index.ts';
import type { CallResult } from '../support/app.ts';
import { type Service, startService } from '../support/service.ts';

interface Checkpoint {
  readonly id: string;
  readonly epoch: number;
  readonly latest: boolean;
  readonly best: boolean;
  readonly pinned: boolean;
  readonly sha256: string;
}

/** Epochs of so many rows that each travels, and is kept, by itself. */
function digits(dataset: string, training: object) {
  const layers = [
    { type: 'dense', units: 256, activation: 'relu' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ];
  return { dataset, target: 'digit', task: 'classification', spec: { layers }, training: { batch_size: 8, seed: 5, ...training } };
}

describe('checkpoints of a job', () => {
  let service: Service;
  let dataset: string;

  beforeAll(async () => {
    service = await startService({ WORKER_CONCURRENCY: '1' });
    dataset = await service.dataset('digits');
  });
  afterAll(() => service.stop());

  const listOf = async (job: string): Promise<Checkpoint[]> => (await service.get(`/v1/jobs/${job}/checkpoints`)).body.data;

  test('are echoed with their defaults, and an ended job keeps its newest and its best one', async () => {
    const job = await service.train(digits(dataset, { epochs: 6 }));
    expect(job.request.training.checkpoint).toEqual({ every_epochs: 1, every_seconds: null, keep: 2 });
    const checkpoints = await listOf(job.id);
    expect(checkpoints.length).toBeLessThanOrEqual(2);
    const [newest] = checkpoints;
    expect(newest).toMatchObject({
      object: 'checkpoint',
      job: job.id,
      latest: true,
      pinned: false,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      engine: job.receipt.engine,
      backend: job.receipt.backend,
    });
    expect(newest?.epoch).toBeLessThanOrEqual(6);
    for (const { best, epoch, id } of checkpoints) expect(best).toBe(epoch === job.best.epoch && id === job.best.checkpoint);
    expect((await service.get(`/v1/jobs/${job.id}/checkpoints/${newest?.id}`)).body).toEqual(newest);
  });

  test('hold weights that can be downloaded like those of the job, with what is needed to use them', async () => {
    const job = await service.train(digits(dataset, { epochs: 3 }));
    const [newest] = await listOf(job.id);
    const path = `/v1/jobs/${job.id}/checkpoints/${newest?.id}/weights`;
    const asJson = async (from: string): Promise<CallResult['body']> => (await service.get(`${from}?format=json`)).body;
    const [weights, trained] = [await asJson(path), await asJson(`/v1/jobs/${job.id}/weights`)];
    expect(weights.metadata).toEqual(trained.metadata);
    const shapes = ({ tensors }: CallResult['body']) =>
      Object.entries<{ shape: number[] }>(tensors).map(([name, { shape }]) => [name, shape]);
    expect(shapes(weights)).toEqual(shapes(trained));
    for (const { data } of Object.values<{ data: number[] }>(weights.tensors)) expect(data.every(Number.isFinite)).toBe(true);
    // The state after the last epoch holds the very weights of the job; one before it holds others.
    const sameWeights = JSON.stringify(weights.tensors) === JSON.stringify(trained.tensors);
    expect(sameWeights).toBe(newest?.epoch === 3);
    const part = async (range: string): Promise<Buffer> =>
      Buffer.from(await (await fetch(`${service.url}${path}`, { headers: { range } })).arrayBuffer());
    const whole = await part('');
    const { tensors } = decodeWeights(whole);
    expect(tensors.map(({ name, data }) => [name, [...data]])).toEqual(
      Object.entries<{ data: number[] }>(weights.tensors).map(([name, { data }]) => [name, data.map(Math.fround)]),
    );
    // Within the head, across its end, and behind it.
    for (const [from, to] of [
      [0, 8],
      [100, whole.length - 50],
      [whole.length - 200, whole.length],
    ] as const) {
      expect((await part(`bytes=${from}-${to - 1}`)).equals(whole.subarray(from, to))).toBe(true);
    }
  });

  test('are sent to their end although they are removed meanwhile', async () => {
    // More than the buffers of a connection take.
    const layers = [4096, 1000, 10].map((units, n) => ({ type: 'dense', units, activation: n < 2 ? 'relu' : 'softmax' }));
    const training = { epochs: 1, batch_size: 512, optimizer: { type: 'sgd' } };
    const job = await service.train({ ...digits(dataset, {}), spec: { layers }, training });
    const [newest] = await listOf(job.id);
    const url = `${service.url}/v1/jobs/${job.id}/checkpoints/${newest?.id}/weights`;
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(whole.length).toBeGreaterThan(16e6);
    const slow = await fetch(url);
    expect((await service.remove(`/v1/jobs/${job.id}`)).status).toBe(204);
    expect((await fetch(url)).status).toBe(404);
    expect(Buffer.from(await slow.arrayBuffer()).equals(whole)).toBe(true);
  });

  test('that are pinned stay, and pinning twice is pinning once', async () => {
    const { status, body: job } = await service.post('/v1/jobs', digits(dataset, { epochs: 40, checkpoint: { every_epochs: 1, keep: 1 } }));
    expect(status).toBe(202);
    let first: Checkpoint | undefined;
    while (first === undefined) [first] = await listOf(job.id);
    const path = `/v1/jobs/${job.id}/checkpoints/${first.id}/pin`;
    expect(await service.put(path, undefined)).toMatchObject({ status: 200, body: { pinned: true, epoch: first.epoch } });
    expect(await service.put(path, undefined)).toMatchObject({ status: 200, body: { pinned: true } });
    await service.ended(job.id);
    expect((await listOf(job.id)).at(-1)).toMatchObject({ id: first.id, pinned: true });
    expect(await service.remove(path)).toMatchObject({ status: 200, body: { pinned: false } });
    const page = await service.get(`/v1/jobs/${job.id}/checkpoints?limit=1`);
    expect(page.body).toMatchObject({ data: [{ latest: true }], has_more: true });
    const rest = await service.get(`/v1/jobs/${job.id}/checkpoints?limit=100&cursor=${page.body.next_cursor}`);
    expect(rest.body.data.map(({ id }: Checkpoint) => id)).toEqual((await listOf(job.id)).slice(1).map(({ id }) => id));
  });

  test('are not made more often than the job allows', async () => {
    const job = await service.train(digits(dataset, { epochs: 8, checkpoint: { every_epochs: 1, every_seconds: 3600 } }));
    expect(await listOf(job.id)).toEqual([]);
    expect(job.best.checkpoint).toBeNull();
  });

  test('stay with a job that was cancelled, and go with it', async () => {
    const { body: job } = await service.post('/v1/jobs', digits(dataset, { epochs: 100_000 }));
    let checkpoints: Checkpoint[] = [];
    while (checkpoints.length === 0) checkpoints = await listOf(job.id);
    await service.post(`/v1/jobs/${job.id}/cancel`, undefined);
    expect((await service.ended(job.id)).status).toBe('cancelled');
    expect((await listOf(job.id))[0]).toMatchObject({ latest: true });
    await service.remove(`/v1/jobs/${job.id}`);
    expect((await service.get(`/v1/jobs/${job.id}/checkpoints`)).status).toBe(404);
  });

  test('and what workers said about the job are told in its log, page by page and as events', async () => {
    const job = await service.train(digits(dataset, { epochs: 1 }));
    const { body } = await service.get(`/v1/jobs/${job.id}/logs?limit=1`);
    const [line] = body.data;
    expect(line).toEqual({
      id: expect.any(Number),
      level: 'info',
      message: `Attempt 1 starts from the beginning, with engine ${job.receipt.engine} on ${job.receipt.backend}.`,
      at: expect.stringMatching(/Z$/),
    });
    const { body: events } = await service.get(`/v1/jobs/${job.id}/events`);
    const { level, message } = line;
    expect(events.data).toContainEqual({ id: line.id, event: 'log', data: { level, message }, at: line.at });
    const { body: rest } = await service.get(`/v1/jobs/${job.id}/logs?cursor=${body.next_cursor}`);
    expect(rest.data.map((last: { message: string }) => last.message)).toEqual(['The job has ended after epoch 1: completed.']);
    expect((await service.get('/v1/jobs/job_01J00000000000000000000000/logs')).status).toBe(404);
    expect(job.warnings).toEqual([]);
  });

  test('of another job, or of none, are not found', async () => {
    const job = await service.train(digits(dataset, { epochs: 1 }));
    const other = await service.train(digits(dataset, { epochs: 1 }));
    const [foreign] = await listOf(other.id);
    for (const id of [foreign?.id, 'ckpt_01J00000000000000000000000']) {
      for (const path of [`/v1/jobs/${job.id}/checkpoints/${id}`, `/v1/jobs/${job.id}/checkpoints/${id}/weights`]) {
        expect(await service.get(path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      }
      expect((await service.put(`/v1/jobs/${job.id}/checkpoints/${id}/pin`, undefined)).status).toBe(404);
    }
  });
});

test('pinned checkpoints of a project take so many bytes at most, however many pins are asked for at once', async () => {
  // A state of this network takes 258 kB.
  const service = await startService({ WORKER_CONCURRENCY: '1', CHECKPOINT_BYTES_MAX: '800000' });
  try {
    const dataset = await service.dataset('digits');
    const pins: string[] = [];
    while (pins.length < 5) {
      const job = await service.train(digits(dataset, { epochs: 2 }));
      const { body } = await service.get(`/v1/jobs/${job.id}/checkpoints`);
      pins.push(`/v1/jobs/${job.id}/checkpoints/${body.data[0].id}/pin`);
    }
    const replies = await Promise.all(pins.map((pin) => service.put(pin, undefined)));
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429]);
    expect(replies.find(({ status }) => status === 429)?.body).toMatchObject({ code: 'quota_exceeded' });
    const pinned = replies.filter(({ status }) => status === 200).map((reply) => reply.body);
    const used = pinned.reduce((total: number, { bytes }: { bytes: number }) => total + bytes, 0);
    const { body: quota } = await service.get('/v1/quota');
    expect(quota.quotas).toContainEqual({ name: 'pinned_checkpoint_bytes', used, limit: 800_000 });
    // One that is pinned can be pinned again, and one less makes room for another.
    const [taken, full] = [200, 429].map((wanted) => pins[replies.findIndex(({ status }) => status === wanted)] ?? '');
    expect(await service.put(taken ?? '', undefined)).toMatchObject({ status: 200 });
    await service.remove(taken ?? '');
    expect(await service.put(full ?? '', undefined)).toMatchObject({ status: 200, body: { pinned: true } });
  } finally {
    await service.stop();
  }
});
