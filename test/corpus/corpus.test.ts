import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BadRequest } from './bad-request.ts';
import { HTTP_ROWS } from './http-rows.ts';
import { expectHealthy, expectRefusal } from './refusals.ts';
import { startWorld, type World } from './world.ts';

const AT_ONCE = 20;

let world: World;
let before: Record<string, number>;

beforeAll(async () => {
  world = await startWorld();
  before = await world.counts();
});
afterAll(() => world.close());

const SECTIONS: readonly [string, readonly BadRequest[]][] = [['HTTP', HTTP_ROWS]];

describe.each(SECTIONS)('%s: refused, told why, and nothing stored', (_, rows) => {
  test.each(rows)('$id $what', async (row) => {
    await expectRefusal(world, row);
    await expectHealthy(world);
    expect(await world.counts()).toEqual(before);
  });
});

test('twenty at a time are refused in the same way', async () => {
  const waiting = SECTIONS.flatMap(([, rows]) => rows);
  const sender = async () => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      await expectRefusal(world, row);
      await expectHealthy(world);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  expect(await world.counts()).toEqual(before);
});
