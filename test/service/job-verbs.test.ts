import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallResult } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { type Service, startService } from '../support/service.ts';

type Job = CallResult['body'];

const EPOCHS = 60;

describe('what the owner of a job asks', () => {
  let service: Service;
  let dataset: string;
  let undisturbed: Job;

  beforeAll(async () => {
    service = await startService({ WORKER_CONCURRENCY: '1' });
    dataset = await service.dataset('digits');
    undisturbed = await service.train(digits());
  });
  afterAll(() => service.stop());

  /** Some seconds of work, in epochs that each travel by themselves. */
  function digits(training: object = {}) {
    const layers = [
      { type: 'dense', units: 128, activation: 'relu' },
      { type: 'dropout', rate: 0.2 },
      { type: 'dense', units: 10, activation: 'softmax' },
    ];
    return {
      dataset,
      target: 'digit',
      task: 'classification',
      spec: { layers },
      training: { epochs: EPOCHS, batch_size: 8, seed: 5, ...training },
    };
  }

  const ask = (id: string, verb: string, body?: object): Promise<CallResult> => service.post(`/v1/jobs/${id}/${verb}`, body);
  const read = async (id: string): Promise<Job> => (await service.get(`/v1/jobs/${id}`)).body;
  const post = async (body: object): Promise<string> => (await service.post('/v1/jobs', body)).body.id;

  const has = (id: string, what: string, holds: (job: Job) => boolean): Promise<Job> =>
    eventually(`${id}: ${what}`, async () => {
      const job = await read(id);
      return holds(job) ? job : null;
    });

  /** A job that runs and has a checkpoint. */
  async function underWay(training: object = {}): Promise<string> {
    const id = await post(digits(training));
    await has(id, 'a checkpoint', ({ best }) => best !== null && best.checkpoint !== null);
    return id;
  }

  const epochsOf = async (id: string): Promise<object[]> => {
    const { body } = await service.get(`/v1/jobs/${id}/epochs?limit=1000`);
    return body.data.map(({ seconds: _, ...epoch }: { seconds: number }) => epoch);
  };

  async function endsLikeUndisturbed(id: string): Promise<Job> {
    const job = await service.ended(id);
    expect(job).toMatchObject({ status: 'succeeded', stop_reason: 'completed', error: null });
    expect(job.result.weights_sha256).toBe(undisturbed.result.weights_sha256);
    expect(await epochsOf(id)).toEqual(await epochsOf(undisturbed.id));
    return job;
  }

  test('pause gives the worker free, and resume ends with the same bits', async () => {
    const id = await underWay();
    const asked = await ask(id, 'pause');
    expect([asked.status, asked.body.wish]).toEqual([202, 'pause']);
    const paused = await has(id, 'paused', ({ status }) => status === 'paused');
    expect(paused).toMatchObject({ wish: null, stop_reason: null, queue_position: null });
    expect(await ask(id, 'pause')).toMatchObject({ status: 200, body: paused });
    // Its newest epoch is kept, and the only worker has time for another job.
    const [newest] = (await service.get(`/v1/jobs/${id}/checkpoints`)).body.data;
    expect(newest.epoch).toBe((await epochsOf(id)).length);
    expect((await service.train(digits({ epochs: 1 }))).status).toBe('succeeded');
    expect(await read(id)).toEqual(paused);
    expect((await ask(id, 'resume')).status).toBe(202);
    expect((await ask(id, 'resume')).status).toBe(202);
    const { timeline } = await endsLikeUndisturbed(id);
    expect(timeline.map(({ status }: { status: string }) => status)).toEqual([
      'queued',
      'running',
      'paused',
      'queued',
      'running',
      'succeeded',
    ]);
  });

  test('stop keeps what was learned, at once when asked again', async () => {
    const id = await underWay({ epochs: 100_000 });
    expect((await ask(id, 'stop')).status).toBe(202);
    const job = await service.ended(id);
    expect(job).toMatchObject({ status: 'succeeded', stop_reason: 'user_stop', result: { weights_sha256: expect.any(String) } });
    expect(await ask(id, 'stop')).toMatchObject({ status: 200, body: job });
    expect((await service.get(`/v1/jobs/${id}/weights?format=json`)).body.tensors['dense/kernel'].shape).toEqual([64, 128]);
  });

  test('stop also ends a paused job with what it has learned, and one that has learned nothing as cancelled', async () => {
    const id = await underWay({ epochs: 100_000 });
    const waiting = await post(digits());
    expect(await ask(waiting, 'stop')).toMatchObject({
      status: 200,
      body: { status: 'cancelled', stop_reason: 'user_stop', result: null },
    });
    await ask(id, 'pause');
    await has(id, 'paused', ({ status }) => status === 'paused');
    const learned = await epochsOf(id);
    expect((await ask(id, 'stop')).body).toMatchObject({ status: 'queued', wish: 'stop' });
    expect(await service.ended(id)).toMatchObject({ status: 'succeeded', stop_reason: 'user_stop' });
    expect(await epochsOf(id)).toEqual(learned);
  });

  test('retry goes on from the newest checkpoint to the same bits, and from the start as well', async () => {
    const id = await underWay();
    await ask(id, 'cancel');
    await service.ended(id);
    const before = (await epochsOf(id)).length;
    const retried = await ask(id, 'retry');
    expect(retried).toMatchObject({ status: 202, body: { status: 'queued', stop_reason: null, retries: 1, error: null } });
    expect(await ask(id, 'retry')).toMatchObject({ status: 202, body: { retries: 1 } });
    const job = await endsLikeUndisturbed(id);
    expect(job.attempt).toBe(2);
    const { body: events } = await service.get(`/v1/jobs/${id}/events?limit=100`);
    const resumed = events.data.find(({ event }: { event: string }) => event === 'resumed');
    expect(resumed.data.epoch).toBeGreaterThan(0);
    expect(resumed.data.epoch).toBeLessThanOrEqual(before);

    const again = await underWay();
    await ask(again, 'cancel');
    await service.ended(again);
    expect((await ask(again, 'retry', { from: 'start' })).body).toMatchObject({ retries: 1, best: null, progress: { epoch: 0, step: 0 } });
    expect((await ask(again, 'retry', { from: 'checkpoint' })).status).toBe(409);
    await endsLikeUndisturbed(again);
  });

  test('a fork without a patch ends with the same bits, made once per Idempotency-Key', async () => {
    const { body: checkpoints } = await service.get(`/v1/jobs/${undisturbed.id}/checkpoints`);
    const { id: checkpoint, epoch } = checkpoints.data.at(-1);
    const key = { 'idempotency-key': 'fork-once' };
    const forked = await service.post(`/v1/jobs/${undisturbed.id}/fork`, { checkpoint }, key);
    expect(forked).toMatchObject({
      status: 202,
      body: {
        status: 'queued',
        request: { ...undisturbed.request, model: null },
        forked_from: { job: undisturbed.id, checkpoint, epoch },
        progress: { epoch },
      },
    });
    expect((await service.post(`/v1/jobs/${undisturbed.id}/fork`, { checkpoint }, key)).body.id).toBe(forked.body.id);
    await endsLikeUndisturbed(forked.body.id);
    // What it shares with the other job outlives that job.
    const { body: second } = await ask(undisturbed.id, 'fork', {
      patch: { training: { epochs: EPOCHS + 5, optimizer: { learning_rate: 0.01 } } },
    });
    expect(second.request.training).toMatchObject({ epochs: EPOCHS + 5, optimizer: { type: 'adam', learning_rate: 0.01 } });
    const longer = await service.ended(second.id);
    expect(longer).toMatchObject({ status: 'succeeded', receipt: { learning_rate: 0.01 } });
    const epochs = await epochsOf(second.id);
    expect(epochs).toHaveLength(EPOCHS + 5);
    expect(epochs.at(-1)).toMatchObject({ learning_rate: 0.01 });
    expect(epochs[0]).toEqual((await epochsOf(undisturbed.id))[0]);
  });

  test.each([
    [
      'wider layer',
      {
        spec: {
          layers: [
            { type: 'dense', units: 8 },
            { type: 'dense', units: 10, activation: 'softmax' },
          ],
        },
      },
      '/patch/spec/layers/0',
    ],
    ['other optimizer', { training: { optimizer: { type: 'adamax', amsgrad: null } } }, '/patch/training/optimizer/type'],
    ['slot more', { training: { optimizer: { amsgrad: true } } }, '/patch/training/optimizer'],
    ['unknown field', { training: { epoch: 3 } }, '/patch/training/epoch'],
    ['dataset that is not there', { dataset: 'ds_01J00000000000000000000000' }, '/patch/dataset'],
  ])('a fork is refused with a pointer into its patch: %s', async (_, patch, pointer) => {
    const { status, body } = await ask(undisturbed.id, 'fork', { patch });
    expect(status).toBe(422);
    expect(body.errors.map((fault: { pointer: string }) => fault.pointer)).toContain(pointer);
  });

  test.each([
    ['cancel', undefined],
    ['stop', undefined],
    ['pause', undefined],
    ['resume', undefined],
    ['retry', undefined],
    ['retry', { from: 'start' }],
  ])('%s %o of a job that has succeeded is a conflict that names its state', async (verb, body) => {
    const reply = await ask(undisturbed.id, verb, body);
    expect(reply).toMatchObject({ status: 409, body: { code: 'state_conflict', job_status: 'succeeded', allowed: ['fork'] } });
    expect(reply.body.detail).toMatch(/^The job is succeeded: it cannot .*; what can be asked is fork\.$/);
  });

  test('a conflict says what can be asked instead', async () => {
    const id = await underWay({ epochs: 100_000 });
    const { body } = await ask(id, 'retry');
    expect(body).toMatchObject({ code: 'state_conflict', job_status: 'running', allowed: ['cancel', 'stop', 'pause', 'fork'] });
    await ask(id, 'cancel');
    await service.ended(id);
    expect((await ask(id, 'pause')).body.allowed).toEqual(['retry from checkpoint', 'retry from start', 'fork']);
    expect((await ask(id, 'fork', { checkpoint: 'ckpt_01J00000000000000000000000' })).status).toBe(404);
    expect((await ask('job_01J00000000000000000000000', 'pause')).status).toBe(404);
  });
});
