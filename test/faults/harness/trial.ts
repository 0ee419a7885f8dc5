import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { randomFrom } from '../../jobs/simulator/random.ts';
import type { Invariant } from './invariant.ts';
import { BrokenPromise, createRecorder, type Recorder, type Report } from './report.ts';
import type { Servers } from './servers.ts';
import type { Tier } from './tiers.ts';
import { type OpenWorld, openWorld, type QueueName } from './world.ts';

export interface TrialOptions {
  readonly invariant: Invariant;
  readonly queue: QueueName;
  readonly tier: Tier;
  readonly seed: number;
  readonly servers: Servers;
  readonly bug: string | null;
}

/** What came of trying one invariant. */
export interface Trial {
  /** `failed`: the trial itself did not work, which says nothing of the promise. */
  readonly outcome: 'kept' | 'broken' | 'failed';
  readonly report: Report;
  readonly error: string | null;
  readonly milliseconds: number;
  /** Where the output of the processes is, unless the promise was kept. */
  readonly log: string | null;
}

/** What heals by itself has so long to do so. */
const HEAL_MS = 10_000;

export async function tryInvariant({ invariant, queue, tier, seed, servers, bug }: TrialOptions): Promise<Trial> {
  const started = performance.now();
  const report = createRecorder();
  const name = `${invariant.id}_${bug ?? queue}`;
  const world = await openWorld({ name, tier, random: randomFrom(seed), report, queue, servers, bug });
  const error = await errorOf(async () => {
    await invariant.try(world);
    await checkTables(world, report);
    if (report.broken.length === 0 && (report.checks === 0 || report.faults.size === 0)) throw new Error('nothing was tried');
  }, report);
  const outcome = outcomeOf(report, error);
  const log = outcome === 'kept' ? null : join(tmpdir(), `alma-fault-${name}-${seed}.log`);
  if (log !== null) await writeFile(log, world.lines().join('\n'));
  await world.close();
  return { outcome, report, error, milliseconds: performance.now() - started, log };
}

/** What went wrong with the trial itself; a promise that is broken is part of the report. */
async function errorOf(attempt: () => Promise<void>, report: Recorder): Promise<string | null> {
  try {
    await attempt();
    return null;
  } catch (thrown) {
    if (!(thrown instanceof BrokenPromise)) return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    report.check(false, thrown.message);
    return null;
  }
}

function outcomeOf(report: Report, error: string | null): Trial['outcome'] {
  if (report.broken.length > 0) return 'broken';
  return error === null ? 'kept' : 'failed';
}

/** Whatever was done to it, the product finds nothing wrong with its own tables afterwards. */
async function checkTables({ apis }: OpenWorld, report: Recorder): Promise<void> {
  const [api] = apis;
  if (api === undefined) return;
  const deadline = performance.now() + HEAL_MS;
  for (;;) {
    const { status, body } = await api.get('/v1/admin/invariants');
    if (status === 200 && body.healthy) break;
    if (performance.now() < deadline) {
      await pause(100);
      continue;
    }
    const counts: { name: string; count: number }[] = body?.invariants ?? [];
    const wrong = counts.filter(({ count }) => count > 0).map(({ name, count }) => `${name} ${count}`);
    return report.check(false, `the tables are whole: ${wrong.join(', ') || `the API answers ${status}`}`);
  }
  report.check(true, 'the tables are whole');
}
