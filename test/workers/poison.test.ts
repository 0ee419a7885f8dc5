import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallResult } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { POISON_RATE } from '../support/poison.ts';
import { type Service, startService } from '../support/service.ts';

type Job = CallResult['body'];

describe('a job that kills the process it runs in', () => {
  let service: Service;
  let dataset: string;

  beforeEach(async () => {
    const poison = fileURLToPath(new URL('../support/poison.ts', import.meta.url));
    service = await startService({ WORKER_CONCURRENCY: '3', LOG_LEVEL: 'info', NODE_OPTIONS: `--import ${poison}` });
    dataset = await service.dataset('digits');
  });
  afterEach(() => service.stop());

  function digits(training: object) {
    const layers = [
      { type: 'dense', units: 128, activation: 'relu' },
      { type: 'dense', units: 10, activation: 'softmax' },
    ];
    return { dataset, target: 'digit', task: 'classification', spec: { layers }, training: { batch_size: 8, seed: 5, ...training } };
  }

  const post = async (training: object): Promise<string> => (await service.post('/v1/jobs', digits(training))).body.id;

  const crashes = ({ timeline }: Job): number => timeline.filter(({ status }: { status: string }) => status === 'interrupted').length;

  it('fails after three deaths alone, and its neighbours all succeed with the bits they would have had', async () => {
    const alike = { epochs: 40, checkpoint: { every_epochs: 1 } };
    const undisturbed = await service.train(digits(alike));
    const neighbours = [await post(alike), await post(alike)];
    for (const id of neighbours) {
      await eventually(`${id} runs`, async () => ((await service.get(`/v1/jobs/${id}`)).body.progress.epoch > 0 ? true : null));
    }
    const poison = await service.ended(await post({ epochs: 40, optimizer: { type: 'adam', learning_rate: POISON_RATE } }));
    expect(poison).toMatchObject({ status: 'failed', stop_reason: 'worker_lost_limit', error: { code: 'worker_lost_limit' } });
    // One death in company, for which nobody is blamed, and three alone.
    expect(crashes(poison)).toBe(4);
    for (const id of neighbours) {
      const job = await service.ended(id);
      expect(job).toMatchObject({ status: 'succeeded', stop_reason: 'completed' });
      expect(crashes(job)).toBeLessThanOrEqual(1);
      expect(job.result.weights_sha256).toBe(undisturbed.result.weights_sha256);
    }
    // What ran apart is gone with its job; the worker itself goes on.
    await eventually('only the worker is left', async () => ((await service.get('/v1/workers')).body.data.length === 1 ? true : null));
    // It can still be retried, and is still not trusted.
    const { body: again } = await service.post(`/v1/jobs/${poison.id}/retry`, {});
    expect(again).toMatchObject({ status: 'queued', retries: 1 });
    const ended = await service.ended(poison.id);
    expect(ended).toMatchObject({ status: 'failed', stop_reason: 'worker_lost_limit' });
    expect(crashes(ended)).toBe(7);
  });
});
