import { describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { selectBackend } from '../../../src/engine/backends/select.ts';
import { runGraph } from '../../../src/engine/conformance/run-graph.ts';
import { GraphBuilder } from '../../../src/engine/graph/graph.ts';
import { BACKENDS } from '../backends-here.ts';

const ROWS = 100;
const STEPS = 10;
const CHANNELS = 50;

/** Output and gradient over ones, with an upstream of ones. */
function run(backend: Backend, op: 'spatial_dropout' | 'gaussian_noise', attributes: { rate: number; stddev: number; stream: number }) {
  const graph = new GraphBuilder('training');
  const x = graph.input('x', [STEPS, CHANNELS]);
  const root = graph.apply(op, [x], attributes);
  const ones = new Float32Array(ROWS * STEPS * CHANNELS).fill(1);
  const result = runGraph({ graph, data: new Map([[x, ones]]), root, backward: ones, of: [x] }, { backend, batchSize: ROWS, realBytes: 4 });
  return { output: result.output, gradient: result.gradients[0]! };
}

// Bounds are five standard errors: with the seed fixed, a failure is a defect.
describe.each(BACKENDS)('on the %s backend', (name) => {
  const backend = selectBackend(name);

  it.each([0.1, 0.5, 0.8])('spatial dropout at rate %f drops whole channels, as often as it says, and the same ones backward', (rate) => {
    const { output, gradient } = run(backend, 'spatial_dropout', { rate, stddev: 0, stream: 3 });
    expect(gradient).toEqual(output);
    const kept = output.filter((value) => value !== 0);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / (1 - rate))]));
    const masks = ROWS * CHANNELS;
    expect(Math.abs(kept.length / STEPS - masks * (1 - rate))).toBeLessThan(5 * Math.sqrt(masks * rate * (1 - rate)));
    output.forEach((value, i) => {
      const first = i - (Math.floor(i / CHANNELS) % STEPS) * CHANNELS;
      if (value !== output[first]) expect.fail(`element ${i} is ${value}, its channel begins with ${output[first]}`);
    });
  });

  it('gaussian noise has the mean, the deviation, the tails and the independence of a normal distribution', () => {
    const stddev = 0.5;
    const { output, gradient } = run(backend, 'gaussian_noise', { rate: 0, stddev, stream: 3 });
    const n = output.length;
    const noise = output.map((value) => (value - 1) / stddev);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / n;
    const error = 5 / Math.sqrt(n);
    expect(gradient.every((value) => value === 1)).toBe(true);
    expect(Math.abs(mean(noise))).toBeLessThan(error);
    expect(Math.abs(mean(noise.map((z) => z * z)) - 1)).toBeLessThan(error * Math.sqrt(2));
    expect(Math.abs(mean(noise.map((z) => z ** 3)))).toBeLessThan(error * Math.sqrt(15));
    expect(Math.abs(mean(noise.map((z) => z ** 4)) - 3)).toBeLessThan(error * Math.sqrt(96));
    expect(Math.abs(mean(noise.map((z, i) => z * noise[(i + 1) % n]!)))).toBeLessThan(error);
    // P(|z| > 2) = 0.0455
    expect(Math.abs(mean(noise.map((z) => Number(Math.abs(z) > 2))) - 0.0455)).toBeLessThan(error * Math.sqrt(0.0455));
  });

  it('another stream draws other noise, the same one the same', () => {
    const attributes = { rate: 0.5, stddev: 1, stream: 3 };
    for (const op of ['spatial_dropout', 'gaussian_noise'] as const) {
      expect(run(backend, op, attributes).output).toEqual(run(backend, op, attributes).output);
      expect(run(backend, op, { ...attributes, stream: 4 }).output).not.toEqual(run(backend, op, attributes).output);
    }
  });
});
