import { expect, test } from 'vitest';
import { runProgram } from '../support/processes.ts';

/** Megabytes by which a process grew while it trained on 144 MB of table and encoded rows, and the weights it ended with. */
async function train(kind: 'held' | 'disk'): Promise<{ grown: number; weights: string }> {
  const program = runProgram('test/training/programs/train-in-memory.ts', [kind]);
  const [, grown, weights] = await program.line(/grown (\d+) MB, weights (\w+)/);
  expect(await program.exit()).toEqual({ code: 0, signal: null });
  return { grown: Number(grown), weights: weights ?? '' };
}

test('a dataset many times the limit trains in a fraction of its size, to the bits of one that is held', async () => {
  const [held, disk] = [await train('held'), await train('disk')];
  expect(disk.weights).toBe(held.weights);
  expect(held.grown).toBeGreaterThan(140);
  expect(disk.grown).toBeLessThan(70);
});
