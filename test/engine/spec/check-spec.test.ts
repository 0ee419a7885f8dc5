import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FAULT_CODES } from '../../../src/engine/fault-codes.ts';
import { GraphBuilder } from '../../../src/engine/graph/graph.ts';
import { applyPatch } from '../../../src/engine/json-patch.ts';
import { buildNetwork } from '../../../src/engine/spec/build-graph.ts';
import { checkSpec } from '../../../src/engine/spec/check-spec.ts';
import type { DataSignature } from '../../../src/engine/spec/model-spec.ts';

const limits = { layersMax: 20, parametersMax: 1e6, arenaBytesMax: 1e8 };
const digits: DataSignature = { features: 64, target: { kind: 'classes', classes: 10 } };
const binary: DataSignature = { features: 4, target: { kind: 'classes', classes: 2 } };
const numbers: DataSignature = { features: 4, target: { kind: 'numbers', outputs: 2 } };
const output = { type: 'dense', units: 10, activation: 'softmax' };

const check = (layers: unknown, data?: DataSignature, rest: object = {}) =>
  checkSpec({ spec: { ...rest, layers }, ...(data && { data }), limits });
const summary = (faults: readonly { pointer: string; code: string }[]) => faults.map(({ pointer, code }) => `${pointer} ${code}`);

describe('a spec without faults', () => {
  const report = check([{ type: 'dense', units: 16, activation: 'relu' }, { type: 'dropout', rate: 0.2 }, output], digits);

  test('comes back with every default, name and shape filled in', () => {
    expect(report.faults).toEqual([]);
    expect(report.spec).toEqual({
      input_shape: [64],
      layers: [
        {
          type: 'dense',
          name: 'dense',
          units: 16,
          activation: 'relu',
          use_bias: true,
          kernel_initializer: 'glorot_uniform',
          bias_initializer: 'zeros',
          kernel_regularizer: null,
          bias_regularizer: null,
        },
        { type: 'dropout', name: 'dropout', rate: 0.2 },
        {
          ...output,
          name: 'dense_1',
          use_bias: true,
          kernel_initializer: 'glorot_uniform',
          bias_initializer: 'zeros',
          kernel_regularizer: null,
          bias_regularizer: null,
        },
      ],
    });
    expect(report.output).toEqual({ name: 'dense_1', shape: [10], activation: 'softmax' });
  });

  test('tells shapes, parameters and operations of every layer', () => {
    expect(report.layers.map(({ output_shape, params }) => ({ output_shape, params }))).toEqual([
      { output_shape: [16], params: 64 * 16 + 16 },
      { output_shape: [16], params: 0 },
      { output_shape: [10], params: 16 * 10 + 10 },
    ]);
    expect(report.total_params).toBe(64 * 16 + 16 + 16 * 10 + 10);
    expect(report.layers[0]!.flops).toBeGreaterThanOrEqual(2 * 64 * 16);
  });

  test('stays the same when it is checked again', () => {
    expect(checkSpec({ spec: report.spec, data: digits, limits })).toEqual(report);
  });

  test('builds a network whose weights are named and ordered as the spec', () => {
    const network = buildNetwork(report.spec!, new GraphBuilder('training'));
    expect(network.weights.map(({ name, shape }) => ({ name, shape }))).toEqual([
      { name: 'dense/kernel', shape: [64, 16] },
      { name: 'dense/bias', shape: [16] },
      { name: 'dense_1/kernel', shape: [16, 10] },
      { name: 'dense_1/bias', shape: [10] },
    ]);
    expect(new Set(network.weights.map((weight) => weight.stream)).size).toBe(4);
  });

  test('may leave the input shape to a dataset that is not there yet', () => {
    const open = check([output]);
    expect(open).toMatchObject({ faults: [], layers: [], output: null, spec: { layers: [{ name: 'dense', units: 10 }] } });
  });

  test('reshapes rows to its own input shape', () => {
    expect(check([{ type: 'flatten' }, output], digits, { input_shape: [8, 8, 1] })).toMatchObject({
      faults: [],
      spec: { input_shape: [8, 8, 1] },
    });
  });
});

describe('all faults at once', () => {
  const layers = [
    { type: 'dens', units: 16, activation: 'relu' },
    { type: 'dense', units: -8, activation: 'relu' },
    { type: 'dense', units: 16, activ: 'relu' },
    { type: 'dropout', rate: '0.5' },
    { type: 'dense', units: 3, activation: 'softmax' },
  ];

  test('five different ones are named with pointer and code', () => {
    expect(summary(check(layers, digits).faults)).toEqual([
      '/layers/0/type unknown_layer',
      '/layers/1/units out_of_range',
      '/layers/2/activ unknown_field',
      '/layers/3/rate wrong_type',
      '/layers/4/units target_mismatch',
    ]);
  });

  test('their suggestions, applied together, mend the spec', () => {
    const report = check(layers, digits);
    expect(report.spec).toBeNull();
    const mended = report.faults.reduce<unknown>((spec, { suggestion }) => applyPatch(spec, suggestion ?? []), { layers });
    expect(checkSpec({ spec: mended, data: digits, limits }).faults).toEqual([]);
  });

  test('a layer nobody can guess does not hide the faults behind it', () => {
    const report = check(
      [{ type: 'transformer' }, { type: 'dense', units: '8' }, { type: 'dense', units: 3, activation: 'softmax' }],
      digits,
    );
    expect(summary(report.faults)).toEqual([
      '/layers/0/type unknown_layer',
      '/layers/1/units wrong_type',
      '/layers/2/units target_mismatch',
    ]);
  });

  test('a wrong value on the output layer is answered with the value that fits', () => {
    const { faults } = check([{ ...output, units: -3 }], digits);
    expect(summary(faults)).toEqual(['/layers/0/units out_of_range']);
    expect(faults[0]!.suggestion).toEqual([{ op: 'replace', path: '/layers/0/units', value: 10 }]);
  });
});

describe('one fault', () => {
  test.each<{ name: string; layers: unknown; data?: DataSignature; rest?: object; fault: string }>([
    { name: 'no layers', layers: [], fault: '/layers wrong_length' },
    { name: 'layers that are no list', layers: {}, fault: '/layers wrong_type' },
    { name: 'a layer that is no object', layers: ['dense', output], data: digits, fault: '/layers/0 wrong_type' },
    { name: 'a layer without type', layers: [{ units: 3 }, output], data: digits, fault: '/layers/0/type missing_field' },
    { name: 'a layer type that is no text', layers: [{ type: 3 }, output], data: digits, fault: '/layers/0/type wrong_type' },
    {
      name: 'a layer called like a built-in',
      layers: [{ type: 'constructor' }, output],
      data: digits,
      fault: '/layers/0/type unknown_layer',
    },
    { name: 'an unknown field of the spec', layers: [output], data: digits, rest: { name: 'x' }, fault: '/name unknown_field' },
    { name: 'an inbound layer', layers: [{ ...output, inbound: ['x'] }], data: digits, fault: '/layers/0/inbound unknown_field' },
    { name: 'an input shape with a zero', layers: [output], rest: { input_shape: [0] }, fault: '/input_shape/0 out_of_range' },
    {
      name: 'an input shape that does not fit',
      layers: [output],
      data: digits,
      rest: { input_shape: [63] },
      fault: '/input_shape input_mismatch',
    },
    {
      name: 'an activation nobody knows',
      layers: [{ ...output, activation: 'softmaxx' }],
      data: digits,
      fault: '/layers/0/activation not_one_of',
    },
    { name: 'a name with a slash', layers: [{ ...output, name: 'a/b' }], data: digits, fault: '/layers/0/name wrong_format' },
    {
      name: 'a reshape that does not fit',
      layers: [{ type: 'reshape', target_shape: [7, 9] }, output],
      data: digits,
      fault: '/layers/0/target_shape shape_mismatch',
    },
    {
      name: 'nothing to learn',
      layers: [{ type: 'activation', activation: 'relu' }],
      fault: '/layers no_trainable_weights',
      rest: { input_shape: [3] },
    },
    { name: 'too many layers', layers: Array.from({ length: 21 }, () => output), fault: '/layers limit_exceeded' },
    { name: 'too many parameters', layers: [{ type: 'dense', units: 1e6 }, output], data: digits, fault: '/layers/0 limit_exceeded' },
    {
      name: 'units beyond exact integers',
      layers: [{ type: 'dense', units: 2 ** 53 }, output],
      data: digits,
      fault: '/layers/0 limit_exceeded',
    },
    { name: 'units near infinity', layers: [{ type: 'dense', units: 1.7e308 }, output], data: digits, fault: '/layers/0 limit_exceeded' },
    { name: 'a huge input', layers: [output], rest: { input_shape: [2 ** 30, 2 ** 30] }, fault: '/input_shape limit_exceeded' },
  ])('$name', ({ layers, data, rest, fault }) => {
    const report = check(layers, data, rest);
    expect(summary(report.faults)).toEqual([fault]);
    expect(report.spec).toBeNull();
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('a repeated name is answered with a free one', () => {
    const { faults } = check([{ type: 'dense', units: 4, name: 'dense_1' }, { type: 'dense', units: 4, name: 'dense_1' }, output], digits);
    expect(summary(faults)).toEqual(['/layers/1/name duplicate_name']);
    expect(faults[0]!.suggestion).toEqual([{ op: 'replace', path: '/layers/1/name', value: 'dense_1_1' }]);
  });

  test('a limit is told in the fault', () => {
    expect(check([{ type: 'dense', units: 1e6 }, output], digits).faults[0]).toMatchObject({ expected: 1e6, received: 65e6 });
  });

  test.each([[null], [3], ['spec'], [[]]])('a spec that is %j', (spec) => {
    expect(summary(checkSpec({ spec, limits }).faults)).toEqual([' wrong_type']);
  });
});

describe('the output and the target', () => {
  test.each<{ name: string; layers: readonly object[]; data: DataSignature; rest?: object; faults: string[] }>([
    { name: 'two classes as softmax', layers: [{ ...output, units: 2 }], data: binary, faults: [] },
    { name: 'two classes as one sigmoid', layers: [{ type: 'dense', units: 1, activation: 'sigmoid' }], data: binary, faults: [] },
    { name: 'one softmax unit', layers: [{ ...output, units: 1 }], data: binary, faults: ['/layers/0/activation single_unit_softmax'] },
    {
      name: 'two sigmoid units for classes',
      layers: [{ type: 'dense', units: 2, activation: 'sigmoid' }],
      data: binary,
      faults: ['/layers/0/activation target_mismatch'],
    },
    {
      name: 'one sigmoid unit for ten classes',
      layers: [{ type: 'dense', units: 1, activation: 'sigmoid' }],
      data: digits,
      faults: ['/layers/0/units target_mismatch', '/layers/0/activation target_mismatch'],
    },
    {
      name: 'a linear output for classes',
      layers: [{ type: 'dense', units: 10 }],
      data: digits,
      faults: ['/layers/0/activation target_mismatch'],
    },
    { name: 'numbers', layers: [{ type: 'dense', units: 2 }], data: numbers, faults: [] },
    { name: 'too few numbers', layers: [{ type: 'dense', units: 1 }], data: numbers, faults: ['/layers/0/units target_mismatch'] },
    {
      name: 'softmax for numbers',
      layers: [{ type: 'dense', units: 2, activation: 'softmax' }],
      data: numbers,
      faults: ['/layers/0/activation target_mismatch'],
    },
    {
      name: 'softmax in a layer of its own',
      layers: [
        { type: 'dense', units: 10 },
        { type: 'activation', activation: 'softmax' },
      ],
      data: digits,
      faults: [],
    },
    {
      name: 'a sigmoid layer for ten classes',
      layers: [
        { type: 'dense', units: 10 },
        { type: 'activation', activation: 'sigmoid' },
      ],
      data: digits,
      faults: ['/layers/1/activation target_mismatch'],
    },
    {
      name: 'an image that is not flattened',
      layers: [output],
      data: digits,
      rest: { input_shape: [8, 8, 1] },
      faults: ['/layers/0 missing_flatten'],
    },
    {
      name: 'a network that ends in flatten',
      layers: [{ type: 'dense', units: 3 }, { type: 'flatten' }],
      data: digits,
      rest: { input_shape: [8, 8] },
      faults: ['/layers target_mismatch'],
    },
  ])('$name', ({ layers, data, rest, faults }) => {
    const report = check(layers, data, rest);
    expect(summary(report.faults)).toEqual(faults);
    const mended = report.faults.reduce<unknown>((spec, { suggestion }) => applyPatch(spec, suggestion ?? []), { ...rest, layers });
    expect(checkSpec({ spec: mended, data, limits }).faults).toEqual([]);
  });
});

describe('warnings', () => {
  test.each<{ name: string; layers: readonly object[]; data?: DataSignature; rest?: object; warnings: string[] }>([
    {
      name: 'a kernel of zeros',
      layers: [{ type: 'dense', units: 8, activation: 'relu', kernel_initializer: 'zeros' }, output],
      data: digits,
      warnings: ['/layers/0/kernel_initializer zero_kernel'],
    },
    {
      name: 'no word about a linear model that starts at zero',
      layers: [{ ...output, kernel_initializer: 'zeros' }],
      data: digits,
      warnings: [],
    },
    {
      name: 'dropout on the output',
      layers: [output, { type: 'dropout', rate: 0.5 }],
      data: digits,
      warnings: ['/layers/1 dropout_at_output'],
    },
    {
      name: 'two dense layers in a row without activation',
      layers: [{ type: 'dense', units: 8 }, output],
      data: digits,
      warnings: ['/layers/0/activation stacked_linear_layers'],
    },
    {
      name: 'a sigmoid for numbers',
      layers: [{ type: 'dense', units: 2, activation: 'sigmoid' }],
      data: numbers,
      warnings: ['/layers/0/activation bounded_output'],
    },
    {
      name: 'dense on an image without a target',
      layers: [output],
      rest: { input_shape: [8, 8, 1] },
      warnings: ['/layers/0 missing_flatten'],
    },
    { name: 'no word about dense on a sequence', layers: [output], rest: { input_shape: [8, 3] }, warnings: [] },
  ])('$name', ({ layers, data, rest, warnings }) => {
    const report = check(layers, data, rest);
    expect(report.faults).toEqual([]);
    expect(summary(report.warnings)).toEqual(warnings);
    const mended = report.warnings.reduce<unknown>((spec, { suggestion }) => applyPatch(spec, suggestion ?? []), { ...rest, layers });
    expect(checkSpec({ spec: mended, ...(data && { data }), limits })).toMatchObject({ faults: [], warnings: [] });
  });
});

test('any JSON is answered with faults from the table, never with an exception, and the report is JSON', () => {
  const word = fc.constantFrom(
    'type',
    'dense',
    'units',
    'activation',
    'rate',
    'layers',
    'name',
    'inbound',
    'target_shape',
    '__proto__',
    'reshape',
    'dropout',
  );
  const value = fc.oneof(fc.jsonValue(), word, fc.constantFrom(0, -1, 3, 1e308, '3'));
  const layer = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(word, value),
    fc.record(
      {
        type: fc.constantFrom('dense', 'reshape', 'dropout', 'activation', 'flatten'),
        units: value,
        rate: value,
        target_shape: value,
        activation: value,
      },
      { requiredKeys: ['type'] },
    ),
  );
  const spec = fc.oneof(
    fc.jsonValue(),
    fc.record({ layers: fc.array(layer, { maxLength: 6 }), input_shape: value }, { requiredKeys: ['layers'] }),
  );
  fc.assert(
    fc.property(spec, fc.constantFrom(undefined, digits, binary, numbers), (generated, data) => {
      const before = JSON.stringify(generated);
      const posted: unknown = JSON.parse(before);
      const report = checkSpec({ spec: posted, ...(data && { data }), limits });
      expect(report.spec === null).toBe(report.faults.length > 0);
      for (const { code } of [...report.faults, ...report.warnings]) expect(Object.keys(FAULT_CODES)).toContain(code);
      expect(JSON.parse(JSON.stringify(report))).toEqual(report);
      expect(JSON.stringify(posted)).toBe(before);
      if (report.spec?.input_shape)
        expect(buildNetwork(report.spec, new GraphBuilder('training')).outputs[0]?.value.shape).toEqual(report.output?.shape);
    }),
    { numRuns: 500 },
  );
});
