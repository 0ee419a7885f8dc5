import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { operationsPerStep } from '../../bench/operations.ts';
import { markdownOf } from '../../bench/report/markdown.ts';
import { WORKLOADS } from '../../bench/workloads.ts';
import { selectBackend } from '../../src/engine/index.ts';

const run = promisify(execFile);
const BENCH = fileURLToPath(new URL('../../bench/run.ts', import.meta.url));

function workload(name: string) {
  const found = WORKLOADS.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`there is no workload ${name}`);
  return found;
}

test('one line of JSON per result, with what a step took and the share of the peak', { timeout: 120_000 }, async () => {
  const { stdout } = await run(process.execPath, [BENCH, '--json', '--only', 'ours', '--only', 'mlp_tabular']);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const step = lines.find(({ engine, threads, us_per_step }) => engine === 'alma-native' && threads === 1 && us_per_step !== undefined);
  const absent = lines.find(({ engine, threads }) => engine === 'alma-native' && threads === 1)?.absent;
  if (selectBackend('auto').name !== 'native') return expect(absent).toMatch(/native/);
  expect(step).toMatchObject({ workload: 'mlp_tabular', us_per_step: expect.any(Number), gflops: expect.any(Number) });
  expect(step.gflops).toBeCloseTo(operationsPerStep(workload('mlp_tabular')) / step.us_per_step / 1000, 6);
  expect(lines.find(({ measure }) => measure === 'two_threads').detail).toBe('mlp_tabular, the same bits');
  expect(lines.filter(({ engine }) => engine?.startsWith('torch') || engine?.startsWith('tfjs'))).toEqual([]);
});

test('the operations of a step are those that are done: the first layer makes no gradient of its input', () => {
  const products = 2 * 32 * (3 * (16 * 32 + 32 * 16 + 16 * 2) - 16 * 32);
  const counted = operationsPerStep(workload('mlp_tabular'));
  expect(counted).toBeGreaterThanOrEqual(products);
  expect(counted).toBeLessThan(products * 1.1); // Biases and activations beside the products.
});

test('the operations of a recurrent first layer count the gradient of its state, not that of its input', () => {
  const perStep = 2 * 64 * 64 * 4 * 256 * (3 * 256 + 2 * 64);
  const counted = operationsPerStep(workload('lstm_large'));
  expect(counted).toBeGreaterThanOrEqual(perStep);
  expect(counted).toBeLessThan(perStep * 1.1);
});

test('an unknown workload is refused', async () => {
  await expect(run(process.execPath, [BENCH, '--only', 'mlp_tabluar'])).rejects.toThrow(/there is no workload or section mlp_tabluar/);
});

test('the results say by how much a peer is slower, and who was not there', () => {
  const step = { variant: '1', threads: 1, gflops: 10, share_of_peak: 0.5 };
  const text = markdownOf(
    [
      { ...step, engine: 'alma-native', workload: 'a', us_per_step: 10 },
      { ...step, engine: 'torch', workload: 'a', us_per_step: 20 },
      { ...step, engine: 'alma-native', workload: 'b', us_per_step: 10 },
      { ...step, engine: 'torch', workload: 'b', us_per_step: 80 },
      { engine: 'tfjs-cpu', workload: 'b', threads: 1, absent: 'not installed' },
    ],
    new Date(0),
  );
  expect(text).toContain('| a | 10.00 | 20.00 | 2.00 |');
  expect(text).toContain('| geometric mean |  |  | 4.00 |');
  expect(text).toContain('| b | tfjs-cpu | 1 | not installed |');
});
