import { describe, expect, it } from 'vitest';
import { checkSpec } from '../../../src/engine/index.ts';
import { applyPatch } from '../../../src/engine/json-patch.ts';

const limits = { layersMax: 20, parametersMax: 1e7, arenaBytesMax: 1e9 };
const conv = { type: 'conv2d', filters: 32, kernel_size: 3, activation: 'relu' };

function check(input_shape: readonly number[], ...layers: readonly object[]) {
  return checkSpec({ spec: { input_shape, layers }, limits });
}

describe('a layer that cannot take what reaches it is named, and the repair passes the check', () => {
  it.each<[string, readonly number[], object, string]>([
    ['a kernel larger than the input', [2, 8, 1], conv, '/layers/0/kernel_size'],
    ['a dilated kernel that spans more than the input', [6, 6, 1], { ...conv, dilation_rate: 3 }, '/layers/0/kernel_size'],
    ['a pool larger than the input', [4, 2], { type: 'max_pooling1d', pool_size: 5 }, '/layers/0/pool_size'],
    ['groups that do not divide the channels', [4, 4, 3], { ...conv, groups: 2 }, '/layers/0/groups'],
  ])('%s', (_what, input, layer, pointer) => {
    const rest = [{ type: 'flatten' }, { type: 'dense', units: 1 }];
    const { faults } = check(input, layer, ...rest);
    expect(faults).toMatchObject([{ pointer, code: 'shape_mismatch' }]);
    const repaired = applyPatch({ input_shape: input, layers: [layer, ...rest] }, faults[0]!.suggestion!);
    expect(checkSpec({ spec: repaired, limits }).faults).toEqual([]);
  });

  it.each([
    ['conv2d', { filters: 2, kernel_size: 1 }, [8, 8]],
    ['conv1d', { filters: 2, kernel_size: 1 }, [8, 8, 1]],
    ['conv2d_transpose', { filters: 2, kernel_size: 1 }, [8]],
    ['max_pooling2d', {}, [8, 8]],
    ['global_average_pooling1d', {}, [8]],
    ['spatial_dropout2d', { rate: 0.5 }, [8, 8]],
  ])('%s over an input with other axes', (type, options, input) => {
    const { faults } = check(input, { type, ...options });
    expect(faults[0]).toMatchObject({ pointer: '/layers/0', code: 'shape_mismatch', received: input });
  });

  it.each([0, [3], [3, 3, 3], [3, 0], 'large'])('a kernel size of %j', (kernel_size) => {
    const { faults } = check([8, 8, 1], { ...conv, kernel_size }, { type: 'flatten' }, { type: 'dense', units: 1 });
    expect(faults[0]!.pointer).toMatch(/^\/layers\/0\/kernel_size/);
  });
});

describe('the report', () => {
  it('counts what a convolution computes and sees', () => {
    const pooled = { type: 'max_pooling2d' };
    const { layers } = check([8, 8, 1], conv, conv, pooled, { type: 'flatten' }, { type: 'dense', units: 10, activation: 'softmax' });
    expect(layers.map(({ params }) => params)).toEqual([320, 9248, 0, 0, 1290]);
    expect(layers.slice(0, 3).map(({ receptive_field }) => receptive_field)).toEqual([
      [3, 3],
      [5, 5],
      [6, 6],
    ]);
    // Multiplications and additions, the bias, the relu.
    expect(layers[1]!.flops).toBe(4 * 4 * 32 * (2 * 9 * 32 + 1 + 1));
  });

  it('adds strides, dilation and enlargement to the receptive field', () => {
    const sequence = { type: 'conv1d', filters: 2, kernel_size: 3 };
    const { layers } = check([64, 1], { ...sequence, strides: 2 }, { ...sequence, dilation_rate: 4 }, { type: 'global_max_pooling1d' });
    expect(layers.map(({ receptive_field }) => receptive_field)).toEqual([[3], [19], [3 + 16 + 22 * 2]]);
    const { layers: enlarged } = check([4, 4, 1], { type: 'conv2d_transpose', filters: 1, kernel_size: 4, strides: 2 }, conv);
    expect(enlarged.map(({ receptive_field }) => receptive_field)).toEqual([
      [2, 2],
      [3, 3],
    ]);
  });
});

describe('normalisation and learned activations', () => {
  const target = { kind: 'classes', classes: 3 } as const;

  it('may start at 0 or 1 without a warning', () => {
    const layers = [{ type: 'dense', units: 4 }, { type: 'prelu' }, { type: 'layer_normalization' }, { type: 'dense', units: 1 }];
    expect(check([5, 3], ...layers).warnings).toEqual([]);
  });

  it('a maxout at the end has no activation, whatever comes before it', () => {
    const hidden = { type: 'dense', units: 4, activation: 'softmax' };
    const data = { features: 2, target };
    const { faults } = checkSpec({ spec: { layers: [hidden, { type: 'maxout', units: 3 }] }, data, limits });
    expect(faults).toMatchObject([
      { code: 'target_mismatch', received: 'linear', suggestion: [{ op: 'add', path: '/layers/-', value: { type: 'activation' } }] },
    ]);
  });
});
