import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCESS_ROWS } from './access-rows.ts';
import type { BadRequest } from './bad-request.ts';
import { DATA_ROWS } from './data-rows.ts';
import { HTTP_ROWS } from './http-rows.ts';
import { PREDICT_ROWS } from './predict-rows.ts';
import { expectHealthy, expectRefusal } from './refusals.ts';
import { TRAINING_ROWS } from './training-rows.ts';
import { startWorld, type World } from './world.ts';

const AT_ONCE = 20;

let world: World;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const SECTIONS: readonly [string, readonly BadRequest[]][] = [
  ['HTTP', HTTP_ROWS],
  ['access', ACCESS_ROWS],
  ['training', TRAINING_ROWS],
  ['data', DATA_ROWS],
  ['predictions', PREDICT_ROWS],
];

describe.each(SECTIONS)('%s: refused, told why, and nothing stored', (_, rows) => {
  test.each(rows)('$id $what', async (row) => {
    const before = await world.counts();
    await expectRefusal(world, row);
    await expectHealthy(world);
    expect(await world.counts()).toEqual(before);
  });
});

test('twenty at a time are refused in the same way', async () => {
  const before = await world.counts();
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
