import { describe, expect, it } from 'vitest';
import { step } from '../../../src/jobs/lifecycle/step.ts';
import type { StepFunction } from './laws.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { pick, randomFrom } from './random.ts';
import { shrink } from './shrink.ts';
import { Broken, JOBS, MOVES, type Move, World } from './world.ts';

/** `SEED=123 npx vitest run test/jobs/simulator` replays one; `SEQUENCES` asks for more. */
const ONLY = process.env['SEED'] === undefined ? null : Number(process.env['SEED']);
const SEQUENCES = Number(process.env['SEQUENCES'] ?? 100_000);

function movesOf(seed: number): Move[] {
  const random = randomFrom(seed);
  const moves = Array.from({ length: 10 + random.below(50) }, () => ({ what: pick(random, MOVES), whom: random.below(60) }));
  return [...Array.from({ length: JOBS }, () => ({ what: 'post', whom: 0 }) as const), ...moves];
}

/** What a run breaks, and how it came to that; null when every job has ended as it should. */
function brokenBy(life: StepFunction, moves: readonly Move[], seed: number): { broken: string; trace: readonly string[] } | null {
  const world = new World(life, { isPoisoned: seed % 2 === 1 });
  try {
    world.run(moves);
    return null;
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return { broken: error.message, trace: world.trace };
  }
}

/** The first seed with which a promise is broken, and the shortest way found to break it the same way. */
function firstBroken(life: StepFunction, seeds: number): string | null {
  for (let seed = ONLY ?? 0; seed < (ONLY === null ? seeds : ONLY + 1); seed++) {
    const moves = movesOf(seed);
    const first = brokenBy(life, moves, seed);
    if (first === null) continue;
    const kind = first.broken.split(' (')[0] ?? first.broken;
    const shortest = shrink(moves, (fewer) => brokenBy(life, fewer, seed)?.broken.startsWith(kind) ?? false);
    const found = brokenBy(life, shortest, seed);
    const told = shortest.map(({ what, whom }) => `${what} ${whom}`).join(', ');
    return [`SEED=${seed}: ${found?.broken}`, `moves: ${told}`, ...(found?.trace ?? [])].join('\n');
  }
  return null;
}

/** These do not show in this service: its data is always there, it has one kind of worker, and it measures no time limit. */
const NOT_HERE: readonly string[] = ['a job with the wrong worker waits for ever', 'paused time counts'];

describe('the service in small', () => {
  it(`brings every job to an end in ${SEQUENCES} runs of random faults`, () => {
    expect(firstBroken(step, SEQUENCES)).toBeNull();
  }, 600_000);

  it.runIf(ONLY === null).each(Object.keys(PLANTED_BUGS).filter((name) => !NOT_HERE.includes(name)))('finds a planted bug: %s', (name) => {
    const found = firstBroken(PLANTED_BUGS[name] ?? step, 20_000);
    expect(found).toMatch(/^SEED=\d+: /);
    expect(found?.split('\n').length).toBeLessThan(60);
  });
});
