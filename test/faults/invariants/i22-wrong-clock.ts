import { kill } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { checkSameBits, ended, mlp, reachesEpoch } from '../harness/jobs.ts';

/** Workers whose wall clocks are an hour off. */
export const wrongClock: Invariant = {
  id: 'I22',
  promise: 'A wrong wall clock neither costs a lease nor keeps one.',
  queues: ['postgres'],
  async try(world) {
    const { report } = world;
    const api = await world.startApi();
    // Longer than the time in which expired leases are looked for.
    const body = mlp(await api.dataset('digits'), { epochs: 1200 });
    const right = await world.startWorker();
    const undisturbed = await ended(world, api, await api.job(body));
    await right.stop();
    for (let n = 0; n < world.times({ pr: 1, nightly: 10, weekly: 40 }); n += 1) {
      for (const seconds of [-3600, 3600]) {
        const worker = await world.startWorker({ env: { CLOCK_SKEW_SECONDS: String(seconds) } });
        report.injected(`a clock ${seconds} s off`);
        const left = await ended(world, api, await api.job(body));
        report.check(left.attempt === 1, `the job of a living worker is not taken away: attempt ${left.attempt}`);
        await checkSameBits(world, left, undisturbed);
        const id = await api.job(body);
        await reachesEpoch(world, id, 2);
        await kill(world, worker, 'the worker');
        const taken = await ended(world, api, id);
        report.check(taken.attempt === 2, `the job of a dead worker is taken over once: attempt ${taken.attempt}`);
        await checkSameBits(world, taken, undisturbed);
        await worker.stop();
      }
    }
  },
};
