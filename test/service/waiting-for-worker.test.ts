import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallResult } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { type SplitService, startSplitService } from '../support/split-service.ts';

type Job = CallResult['body'];

/** On every machine, and to other bits than each other. */
const [ONE_KIND, OTHER_KIND] = [{ ENGINE_BACKEND: 'wasm' }, { ENGINE_BACKEND: 'reference' }];

const EPOCHS = 40;

/** Some seconds of work. */
function digits(dataset: string): object {
  const layers = [
    { type: 'dense', units: 128, activation: 'relu' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ];
  return { dataset, target: 'digit', task: 'classification', spec: { layers }, training: { epochs: EPOCHS, batch_size: 1, seed: 5 } };
}

describe('a job whose checkpoint no worker that is there goes on from', () => {
  let service: SplitService;
  let body: object;

  beforeEach(async () => {
    service = await startSplitService('postgres');
    body = digits(await service.client.dataset('digits'));
  });
  afterEach(() => service.stop());

  const becomes = (id: string, status: string): Promise<Job> =>
    eventually(`${id} is ${status}`, async () => {
      const job = (await service.client.get(`/v1/jobs/${id}`)).body;
      return job.status === status ? job : null;
    });

  const verb = (id: string, name: string, asked: object = {}): Promise<CallResult> => service.client.post(`/v1/jobs/${id}/${name}`, asked);

  /** A job that was paused in its middle. */
  async function pausedJob(): Promise<string> {
    const { id } = (await service.client.post('/v1/jobs', body)).body;
    await eventually('an epoch', async () => ((await service.client.get(`/v1/jobs/${id}`)).body.progress.epoch >= 1 ? true : null));
    await verb(id, 'pause');
    const { progress } = await becomes(id, 'paused');
    expect(progress.epoch).toBeLessThan(EPOCHS);
    expect((await service.client.get(`/v1/jobs/${id}/checkpoints`)).body.data[0]).toMatchObject({ epoch: progress.epoch, latest: true });
    return id;
  }

  const statuses = ({ timeline }: Job): string[] => timeline.map(({ status }: { status: string }) => status);

  it('waits for one, and is retried from the start without', async () => {
    await service.startWorker(ONE_KIND);
    const undisturbed = await service.client.train(body);
    const id = await pausedJob();
    await service.pool.query(`UPDATE checkpoint SET engine = 'another-build' WHERE job_id = $1`, [id]);
    await verb(id, 'resume');
    expect(await becomes(id, 'waiting_for_worker')).toMatchObject({ attempt: 1, result: null });
    expect(await verb(id, 'retry', { from: 'checkpoint' })).toMatchObject({ status: 409 });
    expect((await verb(id, 'retry', { from: 'start' })).body).toMatchObject({ status: 'queued', retries: 1 });
    const job = await service.client.ended(id);
    expect(job).toMatchObject({ status: 'succeeded', stop_reason: 'completed' });
    expect(job.result.weights_sha256).toBe(undisturbed.result.weights_sha256);
    const { data } = (await service.client.get(`/v1/jobs/${id}/epochs?limit=1000`)).body;
    expect(data.map(({ epoch }: { epoch: number }) => epoch)).toEqual(Array.from({ length: EPOCHS }, (_, index) => index + 1));
  });

  it('goes on by itself, to the same bits, when such a worker comes', async () => {
    const first = await service.startWorker(ONE_KIND);
    const undisturbed = await service.client.train(body);
    const id = await pausedJob();
    first.child.kill('SIGTERM');
    await first.exit();
    await service.startWorker(OTHER_KIND);
    await verb(id, 'resume');
    await becomes(id, 'waiting_for_worker');
    await service.startWorker(ONE_KIND);
    const job = await service.client.ended(id);
    expect(job).toMatchObject({ status: 'succeeded', attempt: 2, receipt: { backend: undisturbed.receipt.backend } });
    expect(job.result.weights_sha256).toBe(undisturbed.result.weights_sha256);
    expect(statuses(job).slice(-4)).toEqual(['waiting_for_worker', 'queued', 'running', 'succeeded']);
  });
});
