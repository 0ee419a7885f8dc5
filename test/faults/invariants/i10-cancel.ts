import { dieAt } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { ended, mlp, reachesEpoch, wide } from '../harness/jobs.ts';
import { cpuSeconds, type Kept } from '../harness/processes.ts';
import { inSeconds, quantile } from '../harness/report.ts';
import type { Api, World } from '../harness/world.ts';

const P99_MS = 3000;
const ALWAYS_MS = 10_000;
/** What heartbeats take, and more. */
const IDLE_CORES = 0.1;

/** Jobs are cancelled at random times of their lives. */
export const cancelTakesEffect: Invariant = {
  id: 'I10',
  promise: 'A cancellation takes effect within 3 s (99 of 100), always within 10 s.',
  queues: ['postgres'],
  async try(world) {
    const { report } = world;
    const api = await world.startApi();
    const worker = await world.startWorker();
    const dataset = await api.dataset('digits');
    // Epochs of milliseconds, of a second, and of a minute.
    const bodies = [mlp(dataset), mlp(dataset, { batch_size: 1 }), wide(dataset)];
    const times: number[] = [];
    for (let n = 0; n < world.times({ pr: 24, nightly: 200, weekly: 1000 }); n += 1) {
      const id = await api.job(bodies[n % bodies.length] ?? {});
      await world.pause(world.random.below(n % 2 === 0 ? 1500 : 100));
      const asked = performance.now();
      const { status } = await api.post(`/v1/jobs/${id}/cancel`);
      report.injected('cancel');
      report.check(status === 200 || status === 202 || status === 409, `a cancellation is answered with ${status}`);
      const job = await ended(world, api, id, 30_000);
      times.push(performance.now() - asked);
      report.check(['cancelled', 'succeeded'].includes(job.status), `a cancelled job ends cancelled, or won the race: ${job.status}`);
    }
    report.times('from the reply to the end', times);
    report.figure('99 of 100 within', inSeconds(quantile(times, 0.99)));
    report.check(quantile(times, 0.99) <= P99_MS, `99 of 100 cancellations take effect within ${inSeconds(P99_MS)}`);
    report.check(Math.max(...times) <= ALWAYS_MS, `every cancellation takes effect within ${inSeconds(ALWAYS_MS)}`);
    await checkIdle(world, worker.pid);
    await cancelAcrossDeath(world, { api, worker, body: mlp(dataset) });
  },
};

/** Nothing is left of the cancelled trainings. */
async function checkIdle({ report, pause }: World, pid: number): Promise<void> {
  await report.within('the worker is idle after the cancellations', ALWAYS_MS, async () => {
    const before = cpuSeconds(pid);
    await pause(1000);
    return cpuSeconds(pid) - before < IDLE_CORES ? true : null;
  });
}

/** The worker that was to stop the training dies before it has. */
async function cancelAcrossDeath(world: World, { api, worker, body }: { api: Api; worker: Kept; body: object }): Promise<void> {
  let id = '';
  await dieAt(world, worker, 'K12', {
    meanwhile: async () => {
      id = await api.job(body);
      await reachesEpoch(world, id, 1);
      await api.post(`/v1/jobs/${id}/cancel`);
    },
  });
  const { status } = await ended(world, api, id);
  world.report.check(status === 'cancelled', `a job is cancelled although its worker died of it: ${status}`);
}
