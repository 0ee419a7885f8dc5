import { describe, expect, it } from 'vitest';
import { nativeBackend } from '../../../src/engine/backends/native.ts';
import { referenceBackend } from '../../../src/engine/backends/reference.ts';
import { runGraph } from '../../../src/engine/conformance/run-graph.ts';
import type { Value } from '../../../src/engine/graph/graph.ts';
import { GraphBuilder } from '../../../src/engine/graph/graph.ts';
import { layerOf } from '../../../src/engine/layers/index.ts';
import { layerSchema } from '../../../src/engine/layers/layer-schema.ts';
import { parseSchema } from '../../../src/engine/schema.ts';
import { sizeOf } from '../../../src/engine/shape.ts';
import { addLayer } from '../../../src/engine/spec/build-graph.ts';
import { hasAddon } from '../../native/native-addon.ts';

const ROWS = 2;
const waves = (length: number, seed: number) => Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1) + 4.1 * seed));

/** What a layer makes of waves, with waves for its weights. */
function outputOf(type: string, posted: object, input: readonly number[]) {
  const definition = layerOf(type);
  if (!definition) throw new Error(`there is no layer ${type}`);
  const { value: options, faults } = parseSchema(layerSchema(definition), { type, ...posted });
  expect(faults).toEqual([]);
  const graph = new GraphBuilder('inference');
  const x = graph.input('x', input);
  const uses = [[{ value: x, mask: null }]];
  const { outputs, weights } = addLayer(graph, { definition, options: options as object, name: 'tested', uses, weightsBefore: 0 });
  const data = new Map<Value, number[]>([[x, waves(ROWS * sizeOf(input), 1)]]);
  for (const [i, { value }] of weights.entries()) data.set(value, waves(sizeOf(value.shape), i + 2));
  const root = outputs[0]?.value;
  if (!root) throw new Error('a layer has an output');
  const { output } = runGraph(
    { graph, data, root, backward: null, of: [] },
    { backend: referenceBackend(), batchSize: ROWS, realBytes: 8 },
  );
  return { output, shape: root.shape };
}

type Place = [number, number, number, number, number];

/** All places in a block of these sizes, the last counting fastest. */
function places(...sizes: Place): Place[] {
  const [a, b, c, d, e] = sizes;
  return Array.from({ length: a * b * c * d * e }, (_, i) => {
    const along = (inner: number, size: number): number => Math.floor(i / inner) % size;
    return [along(b * c * d * e, a), along(c * d * e, b), along(d * e, c), along(e, d), along(1, e)];
  });
}

interface Transpose {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: 'valid' | 'same';
}

/**
 * Dumoulin and Visin 2016, section 4, word by word: every cell (p, q) of x adds x W[r, s] at (p stride + r dilation,
 * q stride + s dilation); `same` keeps p stride cells, cropping half of the rest, rounded down, before.
 */
function transposed(
  { kernel, strides, dilation, padding }: Transpose,
  [height, width, channels]: readonly [number, number, number],
  filters: number,
) {
  const x = waves(ROWS * height * width * channels, 1);
  const w = waves(kernel[0] * kernel[1] * filters * channels, 2);
  const bias = waves(filters, 3);
  const axes = (
    [
      [height, 0],
      [width, 1],
    ] as const
  ).map(([cells, axis]) => {
    const over = Math.max((kernel[axis] - 1) * dilation[axis] + 1 - strides[axis], 0);
    return { size: cells * strides[axis] + (padding === 'valid' ? over : 0), crop: padding === 'valid' ? 0 : Math.floor(over / 2) };
  });
  const [down, across] = [axes[0] ?? { size: 0, crop: 0 }, axes[1] ?? { size: 0, crop: 0 }];
  const y = Array.from({ length: ROWS * down.size * across.size * filters }, (_, i) => bias[i % filters] ?? 0);
  for (const [row, p, q, r, s] of places(ROWS, height, width, ...kernel)) {
    const [i, j] = [p * strides[0] + r * dilation[0] - down.crop, q * strides[1] + s * dilation[1] - across.crop];
    if (i < 0 || j < 0 || i >= down.size || j >= across.size) continue;
    for (const [f, c] of places(filters, channels, 1, 1, 1)) {
      const at = ((row * down.size + i) * across.size + j) * filters + f;
      const from = ((row * height + p) * width + q) * channels + c;
      y[at] = (y[at] ?? 0) + (x[from] ?? 0) * (w[((r * kernel[1] + s) * filters + f) * channels + c] ?? 0);
    }
  }
  return { output: y, shape: [down.size, across.size, filters] };
}

describe('conv2d_transpose with a dilation', () => {
  it.each<Transpose>([
    { kernel: [3, 2], strides: [1, 1], dilation: [2, 3], padding: 'valid' },
    { kernel: [3, 3], strides: [2, 1], dilation: [2, 2], padding: 'valid' },
    { kernel: [3, 2], strides: [1, 2], dilation: [2, 3], padding: 'same' },
  ])('adds every cell where its window says: %j', (window) => {
    const { kernel: kernel_size, strides, dilation: dilation_rate, padding } = window;
    const expected = transposed(window, [4, 3, 2], 3);
    const { output, shape } = outputOf('conv2d_transpose', { filters: 3, kernel_size, strides, dilation_rate, padding }, [4, 3, 2]);
    expect(shape).toEqual(expected.shape);
    expect(output).toHaveLength(expected.output.length);
    for (const [i, value] of output.entries()) expect(value).toBeCloseTo(expected.output[i] ?? Number.NaN, 10);
  });
});

describe('prelu', () => {
  it.each([[[]], [[1]], [[2]], [[3]], [[1, 2]], [[2, 3]], [[1, 3]], [[1, 2, 3]]])(
    'has one slope along the shared axes %j',
    (shared_axes) => {
      const shape = [3, 2, 4];
      const { output } = outputOf('prelu', { shared_axes }, shape);
      // y = max(0, x) + alpha min(0, x), the place in alpha counted over the axes that are not shared.
      const sizes = shape.map((size, axis) => (shared_axes.some((shared: number) => shared === axis + 1) ? 1 : size));
      const alpha = waves(
        sizes.reduce((product, size) => product * size, 1),
        2,
      );
      const x = waves(ROWS * 24, 1);
      for (const [i, value] of output.entries()) {
        const place = [Math.floor(i / 8) % 3, Math.floor(i / 4) % 2, i % 4];
        const at = place.reduce((sum, along, axis) => sum * (sizes[axis] ?? 1) + (sizes[axis] === 1 ? 0 : along), 0);
        expect(value).toBeCloseTo(Math.max(0, x[i] ?? 0) + (alpha[at] ?? Number.NaN) * Math.min(0, x[i] ?? 0), 12);
      }
      expect(output).toHaveLength(ROWS * 24);
    },
  );
});

describe.each([true, false])('gru with recurrent dropout, reset_after %j', (resetAfter) => {
  /** Cho et al. 2014 with factors d on what is fed back; z h carries the whole state on, as in Keras 3. */
  it('drops what enters the products of the state, and nothing of what is carried on', () => {
    const [steps, units] = [3, 2];
    const graph = new GraphBuilder('training');
    const [projected, kernel, bias, factors] = [
      graph.input('xW', [steps, 3 * units]),
      graph.parameter('U', [units, 3 * units]),
      graph.parameter('b', [2, 3 * units]),
      graph.input('d', [units]),
    ];
    const [xW, U, b, d] = [waves(ROWS * steps * 6, 1), waves(12, 2), waves(12, 3), [2, 0, 0, 2]];
    const has = { bias: resetAfter, initialState: false, dropout: true, mask: false };
    const attributes = {
      sequences: true,
      backwards: false,
      inTimeOrder: false,
      activation: 'tanh',
      recurrentActivation: 'sigmoid',
      has,
    } as const;
    const operands = resetAfter ? [projected, kernel, bias, factors] : [projected, kernel, factors];
    const [root] = graph.applyAll(resetAfter ? 'gru' : 'gru_reset_before', operands, attributes);
    if (!root) throw new Error('a recurrent op has an output');
    const data = new Map([
      [projected, xW],
      [kernel, U],
      [bias, b],
      [factors, d],
    ]);
    const { output } = runGraph(
      { graph, data, root, backward: null, of: [] },
      { backend: referenceBackend(), batchSize: ROWS, realBytes: 8 },
    );
    const expected: number[] = [];
    for (let row = 0; row < ROWS; row += 1) {
      let h = [0, 0];
      for (let t = 0; t < steps; t += 1) {
        const own = (k: number) => (xW[(row * steps + t) * 6 + k] ?? 0) + (resetAfter ? (b[k] ?? 0) : 0);
        const product = (state: readonly number[], k: number) =>
          state.reduce((sum, value, j) => sum + value * (d[row * units + j] ?? 0) * (U[j * 6 + k] ?? 0), resetAfter ? (b[6 + k] ?? 0) : 0);
        const gate = (k: number) => 1 / (1 + Math.exp(-(own(k) + product(h, k))));
        const reset = h.map((value, j) => value * gate(units + j));
        h = h.map((value, j) => {
          const inner = resetAfter ? gate(units + j) * product(h, 2 * units + j) : product(reset, 2 * units + j);
          const z = gate(j);
          return z * value + (1 - z) * Math.tanh(own(2 * units + j) + inner);
        });
        expected.push(...h);
      }
    }
    expect(output).toHaveLength(expected.length);
    for (const [i, value] of output.entries()) expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 10);
  });
});

describe('global_average_pooling1d', () => {
  /** y[c] = sum of mask[t] x[t, c] / sum of mask[t], as Keras 3 has it. */
  it('is the mean of the steps that count, and gives the others no gradient', () => {
    const [steps, channels] = [5, 3];
    const mask = [1, 1, 1, 0, 0, 0, 1, 0, 1, 1];
    const graph = new GraphBuilder('training');
    const [x, counted] = [graph.input('x', [steps, channels]), graph.input('mask', [steps])];
    const definition = layerOf('global_average_pooling1d');
    if (!definition) throw new Error('there is no such layer');
    const uses = [[{ value: x, mask: counted }]];
    const { outputs } = addLayer(graph, { definition, options: {}, name: 'tested', uses, weightsBefore: 0 });
    const root = outputs[0]?.value;
    if (!root) throw new Error('a layer has an output');
    const [values, upstream] = [waves(ROWS * steps * channels, 1), waves(ROWS * channels, 2)];
    const data = new Map([
      [x, values],
      [counted, mask],
    ]);
    const { output, gradients } = runGraph(
      { graph, data, root, backward: upstream, of: [x] },
      { backend: referenceBackend(), batchSize: ROWS, realBytes: 8 },
    );
    for (const [row, t, c] of places(ROWS, steps, channels, 1, 1)) {
      const counts = mask.slice(row * steps, (row + 1) * steps);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const mean = counts.reduce((sum, count, step) => sum + count * (values[(row * steps + step) * channels + c] ?? 0), 0) / total;
      expect(output[row * channels + c]).toBeCloseTo(mean, 12);
      const share = ((counts[t] ?? 0) / total) * (upstream[row * channels + c] ?? 0);
      expect(gradients[0]?.[(row * steps + t) * channels + c]).toBeCloseTo(share, 12);
    }
  });
});

describe.each([referenceBackend(), ...(hasAddon() ? [nativeBackend()] : [])])('a normalised dot on the $name backend', (backend) => {
  it('has a cosine of 0 with a vector that has no direction, and no gradient goes into it', () => {
    const graph = new GraphBuilder('training');
    const inputs = [graph.input('x', [3]), graph.input('y', [3])] as const;
    const definition = layerOf('dot');
    if (!definition) throw new Error('there is no such layer');
    const options = { axes: -1, normalize: true };
    const uses = [inputs.map((value) => ({ value, mask: null }))];
    const { outputs } = addLayer(graph, { definition, options, name: 'tested', uses, weightsBefore: 0 });
    const root = outputs[0]?.value;
    if (!root) throw new Error('a layer has an output');
    const data = new Map([
      [inputs[0], [0, 0, 0, 3, 0, 4]],
      [inputs[1], [1, 2, 2, 0, 0, 2]],
    ]);
    const run = runGraph({ graph, data, root, backward: [1, 1], of: inputs }, { backend, batchSize: ROWS, realBytes: 4 });
    expect(run.output[0]).toBe(0);
    expect(run.output[1]).toBeCloseTo(0.8, 6);
    expect(run.gradients[0]?.slice(0, 3)).toEqual([0, 0, 0]);
    // (e - c x / |x|) / |x| with e = (0, 0, 1) and c = 0.8.
    [-0.096, 0, 0.072].forEach((expected, i) => {
      expect(run.gradients[0]?.[3 + i]).toBeCloseTo(expected, 6);
    });
    expect(run.gradients[1]?.slice(0, 3)).toEqual([0, 0, 0]);
  });
});
