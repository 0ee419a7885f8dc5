// `npm run faults`: holds the product to its promises while it breaks what the product stands on.
//   -- --tier pr|nightly|weekly   how much (default pr)
//   -- --only I7,I10              some of them
//   -- --seed N                   the same random choices again
//   -- --lanes N                  how many trials at a time, each with servers of its own (default 1)
//   -- --controls                 plants a mistake for each invariant and demands that it is caught

import { parseArgs } from 'node:util';
import { printControl, printTrial } from './harness/print.ts';
import { inSeconds } from './harness/report.ts';
import { type Servers, startServers } from './harness/servers.ts';
import { TIERS, type Tier } from './harness/tiers.ts';
import { type TrialOptions, tryInvariant } from './harness/trial.ts';
import type { QueueName } from './harness/world.ts';
import { INVARIANTS } from './invariants/index.ts';
import { KILL_POINTS, type KillPointName, killChange } from './programs/kill-points.ts';
import { PLANTED_BUGS } from './programs/planted-bugs.ts';
import { checkChange } from './programs/source-change.ts';

const options = parseArgs({
  options: {
    tier: { type: 'string', default: 'pr' },
    only: { type: 'string' },
    seed: { type: 'string' },
    lanes: { type: 'string', default: '1' },
    controls: { type: 'boolean', default: false },
  },
}).values;

/** A trial that is to be made, and whether it came out as it must. */
interface Planned extends Pick<TrialOptions, 'invariant' | 'queue' | 'bug'> {
  readonly outcome: 'kept' | 'broken';
}

const tier = tierOf(options.tier);
const seed = options.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(options.seed);
const only = options.only?.toUpperCase().split(',') ?? null;

for (const name of Object.keys(KILL_POINTS)) checkChange(killChange(name as KillPointName));
for (const { changes } of Object.values(PLANTED_BUGS)) changes.forEach(checkChange);

console.log(`tier ${tier.name}, seed ${seed}`);
const started = performance.now();
const lanes = await openLanes(Number(options.lanes));
const isRedisThere = lanes.every(({ redis }) => redis !== null);
if (!isRedisThere) console.log('no redis-server on PATH: what needs Redis is left out');
const planned = (options.controls ? plannedControls() : plannedTrials()).filter(({ queue }) => queue === 'postgres' || isRedisThere);
const rows: string[] = [];
let failures = 0;
try {
  await Promise.all(lanes.map(work));
} finally {
  await closeLanes();
}
if (options.controls) console.log(['', '| planted bug | mistake | what broke |', '|---|---|---|', ...rows.sort(), ''].join('\n'));
const [good, bad] = options.controls ? ['every planted bug was caught', 'NOT CAUGHT'] : ['every promise was kept', 'FAILED'];
console.log(failures === 0 ? good : `${failures} ${bad}`);
console.log(`${inSeconds(performance.now() - started)} in all; again with: npm run faults -- --tier ${tier.name} --seed ${seed}`);
process.exitCode = failures === 0 ? 0 : 1;

function tierOf(name: string): Tier {
  if (name !== 'pr' && name !== 'nightly' && name !== 'weekly') throw new Error(`there is no tier ${name}`);
  return { name, ...TIERS[name] };
}

/** The servers of each lane. Whoever ends this run takes them along. */
async function openLanes(count: number): Promise<Servers[]> {
  if (!Number.isInteger(count) || count < 1) throw new Error('--lanes is a number from 1 on');
  const opened = await Promise.all(Array.from({ length: count }, startServers));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void closeLanes().finally(() => process.exit(1)));
  return opened;
}

async function closeLanes(): Promise<void> {
  await Promise.all(lanes.map((servers) => servers.close()));
}

function isWanted(id: string): boolean {
  return only === null || only.includes(id);
}

function plannedTrials(): Planned[] {
  return INVARIANTS.filter(({ id }) => isWanted(id)).flatMap((invariant) =>
    invariant.queues.map((queue) => ({ invariant, queue, bug: null, outcome: 'kept' }) as const),
  );
}

/** Each planted bug must break its invariant; a harness that fails for another reason has caught nothing. */
function plannedControls(): Planned[] {
  return Object.entries(PLANTED_BUGS).flatMap(([bug, { breaks, queue }]) => {
    const invariant = INVARIANTS.find(({ id }) => id === breaks);
    if (invariant === undefined) throw new Error(`${bug} breaks ${breaks}, which is not tried`);
    const where: QueueName = queue ?? invariant.queues[0] ?? 'postgres';
    return isWanted(breaks) ? [{ invariant, queue: where, bug, outcome: 'broken' }] : [];
  });
}

/** One lane: the next trial that nobody has taken, until there is none. */
async function work(servers: Servers): Promise<void> {
  for (let next = planned.shift(); next !== undefined; next = planned.shift()) {
    const trial = await tryInvariant({ ...next, tier, seed, servers });
    if (trial.outcome !== next.outcome) failures += 1;
    if (next.bug === null) printTrial(trial, next.invariant, next.queue);
    else rows.push(printControl(trial, next.bug));
  }
}
