import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/engine/backends/reference.ts';
import { runGraph } from '../../../src/engine/conformance/run-graph.ts';
import { GraphBuilder } from '../../../src/engine/graph/graph.ts';
import { layerOf } from '../../../src/engine/layers/index.ts';
import { layerSchema } from '../../../src/engine/layers/layer-schema.ts';
import { parseSchema } from '../../../src/engine/schema.ts';
import { sizeOf } from '../../../src/engine/shape.ts';
import { addLayer } from '../../../src/engine/spec/build-graph.ts';

const ROWS = 2;
const DISTANCE = 1e-5;
const arithmetic = { backend: referenceBackend(), batchSize: ROWS, realBytes: 8 } as const;

/** Layers with a window, and those that normalise, over shapes whose ends do not come out even. */
const CASES: readonly (readonly [type: string, options: object, input: readonly number[]])[] = [
  ['conv1d', { filters: 3, kernel_size: 3, strides: 2, padding: 'same' }, [7, 2]],
  ['conv1d', { filters: 4, kernel_size: 2, dilation_rate: 3, groups: 2, use_bias: false }, [6, 4]],
  ['conv2d', { filters: 2, kernel_size: [3, 2], strides: [1, 2], padding: 'same' }, [4, 5, 3]],
  ['conv2d', { filters: 2, kernel_size: 1 }, [3, 2, 3]],
  ['conv2d', { filters: 2, kernel_size: 1, strides: 2 }, [5, 4, 3]],
  ['conv2d', { filters: 4, kernel_size: 2, dilation_rate: [2, 1], groups: 2 }, [5, 3, 2]],
  ['depthwise_conv2d', { kernel_size: 3, depth_multiplier: 2, padding: 'same', strides: 2 }, [5, 4, 3]],
  ['depthwise_conv2d', { kernel_size: 2, dilation_rate: 2 }, [4, 4, 2]],
  ['separable_conv2d', { filters: 3, kernel_size: 2, depth_multiplier: 2 }, [3, 4, 2]],
  ['conv2d_transpose', { filters: 2, kernel_size: [3, 2], strides: [2, 1], padding: 'same' }, [3, 3, 2]],
  ['conv2d_transpose', { filters: 2, kernel_size: 2, strides: 3 }, [2, 3, 2]],
  ['conv2d_transpose', { filters: 2, kernel_size: [3, 2], dilation_rate: [1, 2] }, [3, 2, 2]],
  ['conv2d_transpose', { filters: 2, kernel_size: 3, strides: [1, 2], dilation_rate: 2, padding: 'same' }, [4, 3, 2]],
  ['max_pooling1d', { pool_size: 3, strides: 2, padding: 'same' }, [6, 2]],
  ['max_pooling2d', { pool_size: [2, 3], strides: 1 }, [4, 4, 2]],
  ['average_pooling1d', { pool_size: 3, strides: 2, padding: 'same' }, [6, 2]],
  ['average_pooling2d', { pool_size: 3, strides: 2, padding: 'same' }, [5, 4, 2]],
  ['global_max_pooling1d', {}, [5, 2]],
  ['global_max_pooling2d', {}, [3, 4, 2]],
  ['global_average_pooling1d', {}, [5, 2]],
  ['global_average_pooling2d', {}, [3, 4, 2]],
  ['batch_normalization', { scale: false }, [3, 2, 3]],
  ['batch_normalization', { center: false, epsilon: 0.1 }, [4]],
  ['batch_normalization', { scale: false, center: false }, [4]],
  ['layer_normalization', { scale: false }, [3, 5]],
  ['layer_normalization', { scale: false, center: false }, [5]],
  ['prelu', {}, [3, 2]],
  ['prelu', { shared_axes: [1, 2] }, [3, 2, 4]],
  ['prelu', { shared_axes: [2] }, [3, 2, 4]],
  ['prelu', { shared_axes: [1, 2, 3] }, [3, 2, 2]],
  ['maxout', { units: 3, pieces: 4, use_bias: false }, [2, 3]],
];

describe('the gradient of each layer equals central differences in double precision', () => {
  it.each(CASES)('%s %j over %j', (type, options, input) => {
    const start = wavesFor(type, options, input);
    const { gradients } = run(type, options, input, start);
    start.forEach((numbers, which) => {
      const gradient = gradients[which]!;
      if (gradient.length === 0) return;
      const differences = numbers.map((value, i) => {
        const [above, below] = [DISTANCE, -DISTANCE].map((shift) => {
          return run(type, options, input, start.with(which, numbers.with(i, value + shift))).scalar;
        });
        return (above! - below!) / (2 * DISTANCE);
      });
      expect(relativeDistance(gradient, differences), `tensor ${which}`).toBeLessThan(1e-6);
    });
  });
});

describe('max pooling', () => {
  it('gives the gradient of equal cells to the first', () => {
    const graph = new GraphBuilder('training');
    const x = graph.input('x', [4, 1]);
    const attributes = { window: [1, 2], strides: [1, 2], dilation: [1, 1], before: [0, 0], output: [1, 2] } as const;
    const y = graph.apply('max_pooling', [x], attributes);
    const { gradients } = runGraph(
      { graph, data: new Map([[x, [5, 5, 0, 7]]]), root: y, backward: [1, 2], of: [x] },
      { ...arithmetic, batchSize: 1 },
    );
    expect(gradients[0]).toEqual([1, 0, 0, 2]);
  });
});

function build(type: string, posted: object, input: readonly number[]) {
  const definition = layerOf(type)!;
  const { value: options } = parseSchema(layerSchema(definition), { type, ...posted });
  const graph = new GraphBuilder('training');
  const x = graph.input('x', input);
  const uses = [[{ value: x, mask: null }]];
  const { outputs, weights } = addLayer(graph, { definition, options: options as object, name: 'tested', uses, weightsBefore: 0 });
  return { graph, x, weights, root: outputs[0]!.value };
}

/** Distinct numbers for the input and each weight, away from 0, where a kink may be. */
function wavesFor(type: string, options: object, input: readonly number[]): number[][] {
  const { weights } = build(type, options, input);
  const lengths = [ROWS * sizeOf(input), ...weights.map(({ shape }) => sizeOf(shape))];
  return lengths.map((length, which) =>
    Array.from({ length }, (_, i) => {
      const wave = Math.sin(12.9898 * (i + 1) + 4.1 * (which + 1));
      return 2 * wave + (wave < 0 ? -0.05 : 0.05);
    }),
  );
}

function run(type: string, options: object, input: readonly number[], numbers: readonly number[][]) {
  const { graph, x, weights, root } = build(type, options, input);
  const values = [x, ...weights.map(({ value }) => value)];
  const upstream = Array.from({ length: ROWS * sizeOf(root.shape) }, (_, i) => Math.cos(3 * i + 1));
  const of = values.filter(({ role }) => role !== 'state');
  const data = new Map(values.map((value, i) => [value, numbers[i]!]));
  const { output, gradients } = runGraph({ graph, data, root, backward: upstream, of }, arithmetic);
  return {
    gradients: values.map((value) => gradients[of.indexOf(value)] ?? []),
    scalar: output.reduce((sum, value, i) => sum + value * upstream[i]!, 0),
  };
}

/** |a - b| / (|a| + |b|), in the Euclidean norm. */
function relativeDistance(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return Math.hypot(...a.map((value, i) => value - b[i]!)) / (Math.hypot(...a) + Math.hypot(...b));
}
