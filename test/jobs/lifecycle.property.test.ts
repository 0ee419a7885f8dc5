import { describe, expect, it } from 'vitest';
import { step } from '../../src/jobs/lifecycle/step.ts';
import type { StepFunction } from './simulator/laws.ts';
import { PLANTED_BUGS } from './simulator/planted-bugs.ts';
import { randomFrom } from './simulator/random.ts';
import { shrink } from './simulator/shrink.ts';
import { type Move, randomMoves, runMoves } from './simulator/single-life.ts';

/** `SEED=123 npx vitest run test/jobs/lifecycle.property.test.ts` replays one; `SEQUENCES` asks for more. */
const ONLY = process.env['SEED'] === undefined ? null : Number(process.env['SEED']);
const SEQUENCES = Number(process.env['SEQUENCES'] ?? 100_000);

function movesOf(seed: number): Move[] {
  const random = randomFrom(seed);
  return randomMoves(random, 5 + random.below(30));
}

/** The first seed that breaks a law, with the fewest events found that break it the same way. */
function firstBroken(life: StepFunction, seeds: number): string | null {
  for (let seed = ONLY ?? 0; seed < (ONLY === null ? seeds : ONLY + 1); seed++) {
    const moves = movesOf(seed);
    const { broken } = runMoves(life, moves);
    if (broken === null) continue;
    const law = broken.split(' (')[0] ?? broken;
    const shortest = shrink(moves, (fewer) => runMoves(life, fewer).broken?.startsWith(law) ?? false);
    const { trace, broken: inShort } = runMoves(life, shortest);
    return [`SEED=${seed} breaks a law: ${inShort}`, ...trace].join('\n');
  }
  return null;
}

describe('the life of a job', () => {
  it(`keeps every law in ${SEQUENCES} random orders of events`, () => {
    expect(firstBroken(step, SEQUENCES)).toBeNull();
  }, 600_000);

  it.runIf(ONLY === null).each(Object.keys(PLANTED_BUGS))('would be found out: %s', (name) => {
    const found = firstBroken(PLANTED_BUGS[name] ?? step, 20_000);
    expect(found).toMatch(/^SEED=\d+ breaks a law: /);
    // Short enough to read: the law, and a handful of events.
    expect(found?.split('\n').length).toBeLessThan(12);
  });
});
