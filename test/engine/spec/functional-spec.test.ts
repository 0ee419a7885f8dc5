import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FAULT_CODES } from '../../../src/engine/fault-codes.ts';
import { GraphBuilder } from '../../../src/engine/graph/graph.ts';
import { applyPatch } from '../../../src/engine/json-patch.ts';
import { LAYERS } from '../../../src/engine/layers/index.ts';
import { buildNetwork } from '../../../src/engine/spec/build-graph.ts';
import { checkSpec } from '../../../src/engine/spec/check-spec.ts';
import type { DataSignature } from '../../../src/engine/spec/model-spec.ts';

const limits = { layersMax: 20, parametersMax: 1e6, arenaBytesMax: 1e8 };
const check = (spec: unknown, data?: DataSignature) => checkSpec({ spec, ...(data && { data }), limits });
const summary = (faults: readonly { pointer: string; code: string }[]) => faults.map(({ pointer, code }) => `${pointer} ${code}`);

const inputs = [
  { name: 'a', shape: [4] },
  { name: 'b', shape: [3] },
];
const left = { name: 'left', type: 'dense', units: 5, inbound: ['a'] };
const right = { name: 'right', type: 'dense', units: 5, inbound: ['b'] };
const sum = { name: 'sum', type: 'add', inbound: ['left', 'right'] };
const out = { name: 'out', type: 'dense', units: 1, inbound: ['sum'] };
const base = { inputs, layers: [left, right, sum, out], outputs: ['out'] };
const withLayers = (...layers: object[]) => ({ ...base, layers });

describe('a network as a graph', () => {
  test('is checked, normalised and built', () => {
    const report = check(base, { features: 7, target: { kind: 'numbers', outputs: 1 } });
    expect(report.faults).toEqual([]);
    expect(report.outputs).toEqual([{ name: 'out', shape: [1], activation: 'linear' }]);
    expect(check(report.spec)).toMatchObject({ faults: [], spec: report.spec });
    const network = buildNetwork(report.spec!, new GraphBuilder('training'));
    expect(network.inputs.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(network.weights.map(({ name }) => name)).toEqual(['left', 'right', 'out'].flatMap((name) => [`${name}/kernel`, `${name}/bias`]));
  });

  test('may list its layers in any order', () => {
    const { spec } = check(withLayers(out, sum, right, left));
    const network = buildNetwork(spec!, new GraphBuilder('training'));
    expect(network.outputs.map(({ name, value }) => [name, value.shape])).toEqual([['out', [1]]]);
  });

  test('uses a shared layer several times with one set of weights', () => {
    const tower = { name: 'tower', type: 'dense', units: 2, inbound: [['a'], ['c']] };
    const spec = {
      inputs: [inputs[0], { name: 'c', shape: [4] }],
      layers: [tower, { name: 'joined', type: 'concatenate', inbound: ['tower', 'tower:1'] }],
      outputs: ['joined'],
    };
    const report = check(spec);
    expect(report.faults).toEqual([]);
    const network = buildNetwork(report.spec!, new GraphBuilder('training'));
    expect(network.weights.map(({ name }) => name)).toEqual(['tower/kernel', 'tower/bias']);
    expect(network.outputs[0]!.value.shape).toEqual([4]);
  });

  test('leaves frozen layers out of what the optimizer moves', () => {
    const { spec } = check(withLayers({ ...left, trainable: false }, right, sum, out));
    const { weights } = buildNetwork(spec!, new GraphBuilder('training'));
    expect(weights.filter(({ trainable }) => !trainable).map(({ name }) => name)).toEqual(['left/kernel', 'left/bias']);
  });

  test('counts how much of the input a position sees', () => {
    const convolution = { type: 'conv2d', filters: 2, kernel_size: 3 };
    const layers = [convolution, { type: 'max_pooling2d' }, convolution, { type: 'flatten' }, { type: 'dense', units: 1 }];
    const report = check({ input_shape: [16, 16, 1], layers });
    expect(report.layers.slice(0, 3).map(({ receptive_field }) => receptive_field)).toEqual([
      [3, 3],
      [4, 4],
      [8, 8],
    ]);
  });
});

describe('what is wrong with a graph is said where it is', () => {
  const cases: { name: string; spec: object; data?: DataSignature; faults: string[]; mends?: boolean }[] = [
    {
      name: 'a name nobody has',
      spec: withLayers(left, right, { ...sum, inbound: ['left', 'rihgt'] }, out),
      faults: ['/layers/2/inbound/1 unknown_reference'],
      mends: true,
    },
    {
      name: 'an output there is not',
      spec: withLayers(left, right, sum, { ...out, inbound: ['sum:3'] }),
      faults: ['/layers/3/inbound/0 unknown_reference'],
    },
    {
      name: 'a cycle',
      spec: withLayers({ name: 'left', type: 'add', inbound: ['right', 'sum'] }, right, sum, out),
      faults: ['/layers/0/inbound cycle'],
    },
    {
      name: 'a layer nobody uses',
      spec: withLayers(left, right, sum, out, { name: 'idle', type: 'dense', units: 2, inbound: ['a'] }),
      faults: ['/layers/4 unused_layer'],
      mends: true,
    },
    {
      name: 'too few inputs',
      spec: withLayers(left, right, { ...sum, inbound: ['left'] }, { ...out, inbound: ['sum', 'right'] }),
      faults: ['/layers/2/inbound input_count'],
    },
    {
      name: 'shapes that do not meet',
      spec: withLayers(left, { ...right, units: 6 }, sum, out),
      faults: ['/layers/2/inbound/1 shape_mismatch'],
    },
    {
      name: 'no inbound',
      spec: withLayers({ name: 'left', type: 'dense', units: 5 }, right, sum, out),
      faults: ['/layers/0/inbound missing_field'],
    },
    {
      name: 'a layer called like an input',
      spec: withLayers({ ...left, name: 'a' }, right, { ...sum, inbound: ['a', 'right'] }, out),
      faults: ['/layers/0/name duplicate_name', '/layers/0 unused_layer', '/layers/2/inbound/1 shape_mismatch'],
    },
    {
      name: 'two inputs of one name',
      spec: { ...base, inputs: [...inputs, inputs[0]] },
      faults: ['/inputs/2/name duplicate_name', '/inputs/0 unused_layer'],
    },
    { name: 'an output that does not exist', spec: { ...base, outputs: ['end'] }, faults: ['/outputs/0 unknown_reference'] },
    { name: 'inputs and no outputs', spec: { inputs, layers: [left, right, sum, out] }, faults: ['/outputs missing_field'] },
    {
      name: 'inputs the data cannot fill',
      spec: base,
      data: { features: 9, target: { kind: 'numbers', outputs: 1 } },
      faults: ['/inputs input_mismatch'],
    },
    {
      name: 'real numbers into an embedding',
      spec: { input_shape: [5], layers: [{ type: 'embedding', input_dim: 9, output_dim: 2 }] },
      faults: ['/layers/0/type dtype_mismatch'],
      mends: true,
    },
    {
      name: 'whole numbers into a dense layer',
      spec: { input_shape: [5], input_dtype: 'int32', layers: [{ type: 'dense', units: 2 }] },
      faults: ['/layers/0/type dtype_mismatch'],
    },
    {
      name: 'a recurrent layer behind the last step of another',
      spec: {
        input_shape: [6, 2],
        layers: [
          { type: 'lstm', units: 3 },
          { type: 'gru', units: 3 },
          { type: 'dense', units: 1 },
        ],
      },
      faults: ['/layers/0/return_sequences missing_return_sequences'],
      mends: true,
    },
    {
      name: 'every step where the target wants one vector',
      spec: {
        input_shape: [6, 2],
        layers: [
          { type: 'lstm', units: 3, return_sequences: true },
          { type: 'dense', units: 1 },
        ],
      },
      data: { features: 12, target: { kind: 'numbers', outputs: 1 } },
      faults: ['/layers/0/return_sequences sequence_output'],
      mends: true,
    },
    {
      name: 'more outputs than targets',
      spec: { ...base, outputs: ['out', 'sum'] },
      data: { features: 7, target: { kind: 'numbers', outputs: 1 } },
      faults: ['/outputs target_mismatch'],
    },
    {
      name: 'nothing left to learn',
      spec: withLayers(...[left, right, sum, out].map((layer) => ({ ...layer, trainable: false }))),
      faults: ['/layers no_trainable_weights'],
    },
    {
      name: 'a kernel larger than its input',
      spec: { input_shape: [2, 2, 1], layers: [{ type: 'conv2d', filters: 2, kernel_size: 3 }] },
      faults: ['/layers/0/kernel_size shape_mismatch'],
    },
  ];

  test.each(cases)('$name', ({ spec, data, faults, mends }) => {
    const report = check(spec, data);
    expect(summary(report.faults)).toEqual(faults);
    expect(report.spec).toBeNull();
    if (!mends) return;
    const mended = report.faults.reduce<unknown>((document, { suggestion }) => applyPatch(document, suggestion ?? []), spec);
    expect(check(mended, data).faults).toEqual([]);
  });

  test('outputs meet as many targets', () => {
    const data: DataSignature = {
      features: 7,
      target: { kind: 'numbers', outputs: 1 },
      targets: [
        { kind: 'numbers', outputs: 1 },
        { kind: 'classes', classes: 3 },
      ],
    };
    const head = { name: 'head', type: 'dense', units: 3, activation: 'softmax', inbound: ['sum'] };
    expect(check({ ...withLayers(left, right, sum, out, head), outputs: ['out', 'head'] }, data).faults).toEqual([]);
    expect(summary(check({ ...withLayers(left, right, sum, out, { ...head, units: 4 }), outputs: ['out', 'head'] }, data).faults)).toEqual([
      '/layers/4/units target_mismatch',
    ]);
  });
});

test('any graph is answered with faults from the table or with a network that can be built', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'a:1', 'c:1', '');
  const size = fc.integer({ min: -1, max: 4 });
  const layer = fc.record(
    {
      type: fc.constantFrom(...Object.keys(LAYERS)),
      name: fc.constantFrom('c', 'd', 'e'),
      inbound: fc.oneof(fc.array(name, { maxLength: 3 }), fc.array(fc.array(name, { maxLength: 2 }), { maxLength: 3 })),
      units: size,
      filters: size,
      kernel_size: size,
      n: size,
      num_heads: size,
      key_dim: size,
      input_dim: size,
      output_dim: size,
      pieces: size,
      rate: fc.constant(0.5),
      dims: fc.constantFrom([1], [2, 1], [3, 1, 2]),
      axis: size,
      return_state: fc.boolean(),
      return_sequences: fc.boolean(),
      layer: fc.constantFrom({ type: 'dense', units: 2 }, { type: 'lstm', units: 2 }, { type: 'flatten' }),
    },
    { requiredKeys: ['type', 'inbound'] },
  );
  const input = fc.record({
    name: fc.constantFrom('a', 'b'),
    shape: fc.constantFrom([3], [4, 2], [5, 5, 1], []),
    dtype: fc.constantFrom('float32', 'int32'),
  });
  const spec = fc.record({
    inputs: fc.array(input, { maxLength: 3 }),
    layers: fc.array(layer, { maxLength: 4 }),
    outputs: fc.array(name, { maxLength: 2 }),
  });
  // Only the options a layer has, so that many specs come through.
  const fitting = ({ layers, ...rest }: { layers: object[] }) => ({
    ...rest,
    layers: layers.map((fields) => {
      const unknown = summary(check({ inputs: [], layers: [fields], outputs: [] }).faults).filter((line) => line.endsWith('unknown_field'));
      return Object.fromEntries(Object.entries(fields).filter(([field]) => !unknown.includes(`/layers/0/${field} unknown_field`)));
    }),
  });
  fc.assert(
    fc.property(spec, (generated) => {
      const posted = fitting(generated);
      const report = check(posted);
      expect(report.spec === null).toBe(report.faults.length > 0);
      for (const { code } of report.faults) expect(Object.keys(FAULT_CODES)).toContain(code);
      if (!report.spec) return;
      for (const mode of ['training', 'inference'] as const) {
        const network = buildNetwork(report.spec, new GraphBuilder(mode));
        expect(network.outputs.map(({ value }) => value.shape)).toEqual(report.outputs.map(({ shape }) => shape));
      }
    }),
    { numRuns: 300 },
  );
});
