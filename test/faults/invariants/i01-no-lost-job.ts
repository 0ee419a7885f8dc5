import { pick } from '../../jobs/simulator/random.ts';
import { breakPostgres, breakRedis, dieAt, kill } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { tiny } from '../harness/jobs.ts';
import type { Kept } from '../harness/processes.ts';
import type { Api, World } from '../harness/world.ts';

const SUBMIT_EVERY_MS = 200;
const END_MS = 120_000;

/** Jobs are posted all the time while every process and server is killed, at every kill point and at random. */
export const noLostJob: Invariant = {
  id: 'I1',
  promise: 'An accepted job is never lost: it reaches an end.',
  queues: ['postgres', 'redis'],
  async try(world) {
    const api = await world.startApi();
    const workers = [await world.startWorker(), await world.startWorker()] as const;
    const dataset = await api.dataset('xor');
    const submissions = submitAllTheTime(world, api, tiny(dataset));
    try {
      for (let round = 0; round < world.times({ pr: 1, nightly: 5, weekly: 20 }); round += 1) {
        for (const point of ['K1', 'K2', 'K3', 'K4'] as const) await dieAt(world, api, point);
        for (const point of ['K5', 'K6', 'K11'] as const) await dieAt(world, pick(world.random, workers), point);
      }
      for (let n = 0; n < world.times({ pr: 4, nightly: 100, weekly: 1000 }); n += 1) await killAnything(world, api, workers);
    } finally {
      submissions.end();
    }
    await submissions.answered();
    await checkAllEnd(world);
  },
};

function submitAllTheTime({ witness }: World, api: Api, body: object): { end(): void; answered(): Promise<unknown> } {
  const open: Promise<unknown>[] = [];
  const timer = setInterval(() => {
    open.push(witness.submit({ url: api.url, key: `submission-${open.length}`, body }));
  }, SUBMIT_EVERY_MS);
  return { end: () => clearInterval(timer), answered: () => Promise.all(open) };
}

async function killAnything(world: World, api: Api, workers: readonly Kept[]): Promise<void> {
  await world.pause(world.random.below(400));
  const faults = [
    () => kill(world, api, 'the API'),
    () => kill(world, pick(world.random, workers), 'a worker'),
    () => breakPostgres(world, 'SIGKILL'),
    ...(world.queue === 'redis' ? [() => breakRedis(world)] : []),
  ];
  await pick(world.random, faults)();
}

async function checkAllEnd({ witness, report, query }: World): Promise<void> {
  const accepted = new Map(witness.seen().flatMap((line) => (line.type === 'accepted' ? [[line.key, line.job] as const] : [])));
  const since = performance.now();
  await report.within(`all of ${accepted.size} accepted jobs end`, END_MS, async () => {
    const [row] = await query<{ ended: number }>('SELECT count(ended_at)::int AS ended FROM job WHERE id = ANY($1)', [
      [...accepted.values()],
    ]);
    return row?.ended === accepted.size ? true : null;
  });
  report.figure('jobs accepted', String(accepted.size));
  report.times('all ended after the last submission', [performance.now() - since]);
  const [rows] = await query<{ jobs: number; keys: number }>(
    'SELECT (SELECT count(*)::int FROM job) AS jobs, (SELECT count(*)::int FROM idempotency_key) AS keys',
  );
  report.check(rows?.jobs === accepted.size, `there are as many jobs (${rows?.jobs}) as accepted keys (${accepted.size})`);
  report.check(rows?.keys === accepted.size, `there are as many kept replies (${rows?.keys}) as accepted keys (${accepted.size})`);
}
