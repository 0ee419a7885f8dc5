import { pick } from '../../jobs/simulator/random.ts';
import { breakPostgres, breakRedis, dieAt, kill } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { tiny } from '../harness/jobs.ts';
import type { Kept } from '../harness/processes.ts';
import type { Api, World } from '../harness/world.ts';
import type { WitnessReply } from '../programs/witness.ts';

const SUBMIT_EVERY_MS = 200;
const END_MS = 120_000;
/** The API may be down most of the time for minutes, and a submission that was given up says nothing. */
const GIVE_UP_MS = 900_000;

/** Jobs are posted all the time while every process and server is killed, at every kill point and at random. */
export const noLostJob: Invariant = {
  id: 'I1',
  promise: 'An accepted job is never lost: it reaches an end.',
  queues: ['postgres', 'redis'],
  async try(world) {
    const api = await startedAcrossMigration(world);
    const workers = [await world.startWorker(), await world.startWorker()] as const;
    const dataset = await api.dataset('xor');
    const submissions = submitAllTheTime(world, api, tiny(dataset));
    try {
      for (let round = 0; round < world.times({ pr: 1, nightly: 5, weekly: 20 }); round += 1) {
        for (const point of ['K1', 'K2'] as const) await dieAt(world, api, point);
        for (const point of ['K3', 'K4'] as const) await dieAsOnlyRelay(world, point, { api, workers });
        for (const point of ['K5', 'K6', 'K10', 'K11'] as const) await dieAt(world, pick(world.random, workers), point);
      }
      for (let n = 0; n < world.times({ pr: 4, nightly: 100, weekly: 1000 }); n += 1) await killAnything(world, api, workers);
    } finally {
      submissions.end();
    }
    const refused = (await submissions.answered()).filter(({ job }) => job === null);
    world.report.check(refused.length === 0, `every submission is accepted at last: ${JSON.stringify(refused[0])}`);
    await checkAllEnd(world);
  },
};

/** An API that dies while it makes its tables; the next start must make them all. */
async function startedAcrossMigration(world: World): Promise<Api> {
  const api = await world.startApi({ once: { KILL_AT: 'K16:2' } });
  world.report.check(api.lines.includes('killed at K16') && api.deaths.length === 1, 'an API that died in a migration starts again');
  world.report.injected('kill -9 at K16');
  return api;
}

/** Workers ring as well, and a busy API may never be first: so they stand still until it has rung. */
async function dieAsOnlyRelay(world: World, point: 'K3' | 'K4', { api, workers }: { api: Api; workers: readonly Kept[] }): Promise<void> {
  for (const worker of workers) worker.signal('SIGSTOP');
  try {
    await dieAt(world, api, point);
  } finally {
    for (const worker of workers) worker.signal('SIGCONT');
  }
}

function submitAllTheTime({ witness }: World, api: Api, body: object): { end(): void; answered(): Promise<WitnessReply[]> } {
  const open: Promise<WitnessReply>[] = [];
  const timer = setInterval(() => {
    open.push(witness.submit({ url: api.url, key: `submission-${open.length}`, body, giveUpMs: GIVE_UP_MS }));
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
