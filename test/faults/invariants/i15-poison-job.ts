import { POISON_RATE } from '../../support/poison.ts';
import type { Invariant } from '../harness/invariant.ts';
import { ended, mlp, tiny } from '../harness/jobs.ts';

const POISON = new URL('../../support/poison.ts', import.meta.url).href;
const RESTARTS_MAX = 4;

/** A job that kills the process it runs in, with good ones beside and behind it. */
export const poisonJob: Invariant = {
  id: 'I15',
  promise: 'A job that kills its worker fails alone.',
  queues: ['postgres'],
  async try(world) {
    const { report } = world;
    const api = await world.startApi();
    const worker = await world.startWorker({ env: { WORKER_CONCURRENCY: '2', NODE_OPTIONS: `--import ${POISON}` } });
    const [digits, xor] = [await api.dataset('digits'), await api.dataset('xor')];
    for (let n = 0; n < world.times({ pr: 1, nightly: 10, weekly: 40 }); n += 1) {
      const before = worker.deaths.length;
      const poison = await api.job(mlp(digits, { optimizer: { type: 'adam', learning_rate: POISON_RATE } }));
      report.injected('a job that kills its process');
      const good = [
        await api.job(mlp(digits, { epochs: 10 })),
        ...(await Promise.all(Array.from({ length: 10 }, () => api.job(tiny(xor))))),
      ];
      const { status, stop_reason: reason } = await ended(world, api, poison, 60_000);
      report.check(status === 'failed' && reason === 'worker_lost_limit', `the poison job fails: ${status}, ${reason}`);
      for (const id of good) report.check((await ended(world, api, id)).status === 'succeeded', `good job ${id} succeeds`);
      const restarts = worker.deaths.length - before;
      report.check(restarts <= RESTARTS_MAX, `the worker is started again ${restarts} times`);
      report.figure('restarts of the worker', String(restarts));
    }
  },
};
