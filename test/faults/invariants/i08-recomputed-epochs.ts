import { kill } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { ended, mlp, reachesEpoch } from '../harness/jobs.ts';

/** A stored epoch is changed, and then computed again. */
export const recomputedEpochs: Invariant = {
  id: 'I8',
  promise: 'An epoch that is computed again equals the one stored, or the job stops and says so.',
  queues: ['postgres'],
  async try(world) {
    const api = await world.startApi();
    const worker = await world.startWorker();
    const dataset = await api.dataset('digits');
    for (let n = 0; n < world.times({ pr: 1, nightly: 20, weekly: 100 }); n += 1) {
      for (const isChanged of [true, false]) {
        const id = await api.job(mlp(dataset, { checkpoint: { every_epochs: 1000 }, seed: n }));
        await reachesEpoch(world, id, 3);
        await kill(world, worker, 'the worker');
        if (isChanged) {
          world.report.injected('a changed epoch');
          await world.query(`UPDATE epoch SET metrics = (metrics::jsonb || '{"loss": 0.125}')::json WHERE job_id = $1 AND epoch = 2`, [id]);
        }
        const { stop_reason: reason } = await ended(world, api, id);
        const expected = isChanged ? 'determinism_violation' : 'completed';
        world.report.check(
          reason === expected,
          `job ${id}, ${isChanged ? 'changed' : 'unchanged'} and computed again, ends with ${reason}`,
        );
      }
    }
  },
};
