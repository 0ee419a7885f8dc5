import { checkpointBeyond, dieAt, kill } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { checkSameBits, cnn, type EndedJob, ended, lstm, mlp } from '../harness/jobs.ts';
import type { Kept } from '../harness/processes.ts';
import type { Api, World } from '../harness/world.ts';

/** Networks of every kind of state, killed again and again, against the same ones left alone. */
export const sameBits: Invariant = {
  id: 'I7',
  promise: 'A job that was interrupted ends with the bits of one that was not.',
  queues: ['postgres'],
  async try(world) {
    const api = await world.startApi();
    const worker = await world.startWorker();
    const bodies = await networks(api);
    const undisturbed = await Promise.all(bodies.map(async (body) => ended(world, api, await api.job(body))));
    let kills = 0;
    for (let round = 0; round < world.times({ pr: 1, nightly: 10, weekly: 48 }); round += 1) {
      for (const [n, body] of bodies.entries()) {
        const job = await api.job(body);
        const deaths = worker.deaths.length;
        await killFourTimes(world, job, worker);
        kills += worker.deaths.length - deaths;
        const reference = undisturbed[n];
        if (reference === undefined) throw new Error('every network was trained undisturbed');
        await checkSameBits(world, await ended(world, api, job), reference);
      }
    }
    checkNoAlarm(world, undisturbed);
    world.report.figure('kills', String(kills));
  },
};

/** With a checkpoint of every epoch, and of every third: epochs are then computed again. */
async function networks(api: Api): Promise<object[]> {
  const [digits, co2] = [await api.dataset('digits'), await api.dataset('co2')];
  const rarely = { checkpoint: { every_epochs: 3 } };
  return [mlp(digits, { epochs: 150 }), cnn(digits, { ...rarely, epochs: 60 }), lstm(co2, { ...rarely, epochs: 60 })];
}

/** At random times, then in the middle of a checkpoint, after one, and after an epoch, each of which is two deaths. Fewer when the job ends before. */
async function killFourTimes(world: World, job: string, worker: Kept): Promise<void> {
  let epoch = 0;
  for (const point of [null, 'K7', 'K8', 'K9'] as const) {
    const reached = await checkpointBeyond(world, job, epoch);
    if (reached === null) return;
    epoch = reached;
    if (point === null) await world.pause(world.random.below(150));
    if (point === null) await kill(world, worker, 'the worker');
    else await dieAt(world, worker, point, { isOver: () => hasEnded(world, job) });
  }
}

/** One that was killed after its last epoch passes no more kill points. */
async function hasEnded({ query }: World, job: string): Promise<boolean> {
  return (await query('SELECT FROM job WHERE id = $1 AND ended_at IS NOT NULL', [job])).length > 0;
}

function checkNoAlarm({ report }: World, jobs: readonly EndedJob[]): void {
  report.check(
    jobs.every(({ status }) => status === 'succeeded'),
    'every undisturbed job succeeds',
  );
}
