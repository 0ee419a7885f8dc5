import type { Invariant } from '../harness/invariant.ts';
import { checkNoGaps, ended, mlp } from '../harness/jobs.ts';
import { killWhileItRuns } from './i05-acknowledged-epochs.ts';

const DELIVERIES = 5;

/** Jobs are killed, and their messages delivered several times at once. */
export const noGaps: Invariant = {
  id: 'I6',
  promise: 'The epochs of a job have no gaps and no duplicates.',
  queues: ['postgres'],
  async try(world) {
    const api = await world.startApi();
    const workers = [await world.startWorker(), await world.startWorker()];
    const dataset = await api.dataset('digits');
    for (let n = 0; n < world.times({ pr: 2, nightly: 50, weekly: 200 }); n += 1) {
      const job = await api.job(mlp(dataset, { epochs: 200 }));
      await deliverAgain(world, job);
      await killWhileItRuns(world, { job, workers, most: 2 });
      await deliverAgain(world, job);
      const { status } = await ended(world, api, job);
      world.report.check(status === 'succeeded', `job ${job} ends succeeded, not ${status}`);
      await checkNoGaps(world, job);
    }
  },
};

/** Rings for attempts that there may or may not be: each is a message of its own, all for the one job. */
async function deliverAgain({ query, report }: Parameters<Invariant['try']>[0], job: string): Promise<void> {
  report.injected(`${DELIVERIES} messages for one job`);
  await query('INSERT INTO outbox (job_id, attempt) SELECT $1, n FROM generate_series(1, $2::int) AS n', [job, DELIVERIES]);
}
