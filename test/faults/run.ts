// `npm run faults`: holds the product to its promises while it breaks what the product stands on.
//   -- --tier pr|nightly|weekly   how much (default pr)
//   -- --only I7,I10              some of them
//   -- --seed N                   the same random choices again
//   -- --controls                 plants a mistake for each invariant and demands that it is caught

import { parseArgs } from 'node:util';
import type { Invariant } from './harness/invariant.ts';
import { inSeconds } from './harness/report.ts';
import { type Servers, startServers } from './harness/servers.ts';
import { TIERS, type Tier } from './harness/tiers.ts';
import { type Trial, tryInvariant } from './harness/trial.ts';
import type { QueueName } from './harness/world.ts';
import { INVARIANTS } from './invariants/index.ts';
import { KILL_POINTS, type KillPointName, killChange } from './programs/kill-points.ts';
import { PLANTED_BUGS, type PlantedBug } from './programs/planted-bugs.ts';
import { checkChange } from './programs/source-change.ts';

const options = parseArgs({
  options: {
    tier: { type: 'string', default: 'pr' },
    only: { type: 'string' },
    seed: { type: 'string' },
    controls: { type: 'boolean', default: false },
  },
}).values;

const tier = tierOf(options.tier);
const seed = options.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(options.seed);
const only = options.only?.toUpperCase().split(',') ?? null;

for (const name of Object.keys(KILL_POINTS)) checkChange(killChange(name as KillPointName));
for (const { changes } of Object.values(PLANTED_BUGS)) changes.forEach(checkChange);

console.log(`tier ${tier.name}, seed ${seed}`);
const servers = await startServers();
if (servers.redis === null) console.log('no redis-server on PATH: what needs Redis is left out');
const started = performance.now();
try {
  process.exitCode = options.controls ? await runControls(servers) : await runInvariants(servers);
} finally {
  await servers.close();
}
console.log(`${inSeconds(performance.now() - started)} in all; again with: npm run faults -- --tier ${tier.name} --seed ${seed}`);

function tierOf(name: string): Tier {
  if (name !== 'pr' && name !== 'nightly' && name !== 'weekly') throw new Error(`there is no tier ${name}`);
  return { name, ...TIERS[name] };
}

function isWanted(id: string): boolean {
  return only === null || only.includes(id);
}

async function runInvariants(servers: Servers): Promise<number> {
  let failures = 0;
  for (const invariant of INVARIANTS.filter(({ id }) => isWanted(id))) {
    for (const queue of invariant.queues.filter((name) => name === 'postgres' || servers.redis !== null)) {
      const trial = await tryInvariant({ invariant, queue, tier, seed, servers, bug: null });
      print(trial, invariant, queue);
      if (trial.outcome !== 'kept') failures += 1;
    }
  }
  console.log(failures === 0 ? 'every promise was kept' : `${failures} FAILED`);
  return failures === 0 ? 0 : 1;
}

/** Each planted bug must break its invariant; a harness that fails for another reason has caught nothing. */
async function runControls(servers: Servers): Promise<number> {
  const rows: string[] = [];
  let missed = 0;
  for (const [bug, planted] of Object.entries(PLANTED_BUGS)) {
    const trial = isWanted(planted.breaks) ? await tryControl(servers, bug, planted) : null;
    if (trial === null) continue;
    if (trial.outcome !== 'broken') missed += 1;
    rows.push(printControl(bug, planted, trial));
  }
  console.log(['', '| planted bug | mistake | what broke |', '|---|---|---|', ...rows, ''].join('\n'));
  console.log(missed === 0 ? 'every planted bug was caught' : `${missed} NOT CAUGHT`);
  return missed === 0 ? 0 : 1;
}

/** Returns its row of the table. */
function printControl(bug: string, { breaks, what }: PlantedBug, { outcome, report, error, milliseconds, log }: Trial): string {
  const isCaught = outcome === 'broken';
  const seen = report.broken[0] ?? error ?? 'nothing broke';
  console.log(`${isCaught ? 'caught' : 'MISSED'}  ${bug} (${breaks}, ${inSeconds(milliseconds)}): ${seen}`);
  if (!isCaught) console.log(`        log: ${log}`);
  return `| \`${bug}\` | ${what} | ${isCaught ? breaks : '**none**'}: ${seen} |`;
}

/** Null where it needs a Redis that is not there. */
async function tryControl(servers: Servers, bug: string, { breaks, queue: wanted }: PlantedBug): Promise<Trial | null> {
  const invariant = INVARIANTS.find(({ id }) => id === breaks);
  if (invariant === undefined) throw new Error(`${bug} breaks ${breaks}, which is not tried`);
  const queue = wanted ?? invariant.queues[0] ?? 'postgres';
  if (queue === 'redis' && servers.redis === null) return null;
  return tryInvariant({ invariant, queue, tier, seed, servers, bug });
}

function print({ outcome, report, milliseconds, error, log }: Trial, { id, promise }: Invariant, queue: QueueName): void {
  console.log(`${outcome === 'kept' ? 'ok  ' : 'FAIL'} ${id} on ${queue} (${inSeconds(milliseconds)}) ${promise}`);
  console.log(`     ${report.checks} checks; faults: ${[...report.faults].map(([fault, count]) => `${count} × ${fault}`).join(', ')}`);
  for (const [name, value] of report.figures) console.log(`     ${name}: ${value}`);
  if (outcome === 'kept') return;
  for (const promise of report.broken.slice(0, 10)) console.log(`     BROKEN: ${promise}`);
  if (error !== null) console.log(`     ERROR: ${error}`);
  console.log(`     log: ${log}`);
}
