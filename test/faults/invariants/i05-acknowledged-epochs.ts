import { pick } from '../../jobs/simulator/random.ts';
import { breakPostgres, checkpointBeyond, holderOf, kill } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { bitsOf, ended, epochsOf, mlp } from '../harness/jobs.ts';
import type { Kept } from '../harness/processes.ts';
import type { World } from '../harness/world.ts';

/** A witness streams the epochs of jobs whose workers and whose PostgreSQL are killed. */
export const acknowledgedEpochs: Invariant = {
  id: 'I5',
  promise: 'An epoch that was shown is stored, with the values that were shown.',
  queues: ['postgres'],
  async try(world) {
    const api = await world.startApi();
    const workers = [await world.startWorker(), await world.startWorker()];
    const dataset = await api.dataset('digits');
    const kills = world.times({ pr: 6, nightly: 200, weekly: 1000 });
    for (let done = 0; done < kills; ) {
      const job = await api.job(mlp(dataset, { epochs: 300 }));
      // Each kill may cost a lease.
      const stream = world.witness.follow({ url: api.url, job, giveUpMs: 60_000 + 20_000 * world.tier.leaseSeconds });
      done += await killWhileItRuns(world, { job, workers, most: kills - done });
      await ended(world, api, job);
      world.report.check((await stream).ended, `the stream of ${job} tells its end`);
    }
    await checkWitnessed(world);
  },
};

/** Kills what runs the job each time it has got further; returns how often. */
export async function killWhileItRuns(
  world: World,
  { job, workers, most }: { job: string; workers: readonly Kept[]; most: number },
): Promise<number> {
  let epoch = 0;
  for (let kills = 0; kills < most; kills += 1) {
    const reached = await checkpointBeyond(world, job, epoch);
    if (reached === null) return kills;
    epoch = reached;
    await world.pause(world.random.below(200));
    // Asked before, since PostgreSQL may be gone when it is killed.
    const holder = (await holderOf(world, job, workers)) ?? pick(world.random, workers);
    const worker = (): Promise<void> => kill(world, holder, 'a worker');
    const postgres = (): Promise<void> => breakPostgres(world, 'SIGKILL');
    await pick(world.random, [worker, postgres, () => Promise.all([worker(), postgres()])])();
  }
  return most;
}

async function checkWitnessed(world: World): Promise<void> {
  const stored = new Map<string, string>();
  let seen = 0;
  for (const line of world.witness.seen()) {
    if (line.type !== 'epoch') continue;
    seen += 1;
    if (!stored.has(`${line.job} 1`)) {
      for (const row of await epochsOf(world, line.job)) stored.set(`${line.job} ${row.epoch}`, bitsOf(row));
    }
    const { job, epoch } = line;
    world.report.check(stored.get(`${job} ${epoch.epoch}`) === bitsOf(epoch), `epoch ${epoch.epoch} of ${job} is stored as it was shown`);
  }
  world.report.figure('epochs witnessed', String(seen));
  world.report.check(seen > 0, 'the witness saw epochs');
}
