import { describe, expect, it, test } from 'vitest';
import { referenceBackend } from '../../../src/engine/backends/reference.ts';
import type { Mode, Value } from '../../../src/engine/graph/graph.ts';
import { GraphBuilder } from '../../../src/engine/graph/graph.ts';
import { layerOf } from '../../../src/engine/layers/index.ts';
import { innerLayerSchema } from '../../../src/engine/layers/layer-schema.ts';
import { parseSchema } from '../../../src/engine/schema.ts';
import { sizeOf } from '../../../src/engine/shape.ts';
import type { Tensor } from '../../../src/engine/spec/build-graph.ts';
import { addLayer } from '../../../src/engine/spec/build-graph.ts';
import { initializeWeights } from '../../../src/engine/trainer/weights-memory.ts';
import { memoryFile } from '../../../src/engine/weights/safetensors.ts';
import { BACKENDS } from '../backends-here.ts';
import { runGraph } from '../graph-session.ts';
import { classification, numbersOf, trainToEnd } from '../trainer/iris-like.ts';

const KINDS = ['simple_rnn', 'lstm', 'gru'] as const;
const [ROWS, STEPS, WIDTH, UNITS] = [3, 5, 2, 4];

const numbers = (length: number, seed: number) => Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1) + 4.1 * seed));

/** A tensor with the numbers of a batch. */
interface Given {
  readonly tensor: Tensor;
  readonly values: readonly number[];
  readonly mask?: readonly number[];
}

interface Posted {
  readonly type: string;
  readonly [option: string]: unknown;
}

/** A posted layer with its defaults, in a graph. */
function build(posted: Posted, inputs: readonly Given[], graph: GraphBuilder) {
  const definition = layerOf(posted.type)!;
  const { value: options, faults } = parseSchema(innerLayerSchema(definition), posted);
  expect(faults).toEqual([]);
  const uses = [inputs.map(({ tensor }) => tensor)];
  const { outputs, weights } = addLayer(graph, { definition, options: options as object, name: 'tested', uses, weightsBefore: 0 });
  const data = new Map<Value, readonly number[]>();
  for (const { tensor, values, mask } of inputs) {
    data.set(tensor.value, values);
    if (tensor.mask && mask) data.set(tensor.mask, mask);
  }
  for (const [i, { value }] of weights.entries()) data.set(value, numbers(sizeOf(value.shape), i + 1));
  return { outputs, weights, data };
}

function sequences(graph: GraphBuilder, { values = numbers(ROWS * STEPS * WIDTH, 9), mask }: Partial<Given> = {}): Given {
  const value = graph.input('x', [STEPS, WIDTH]);
  return { tensor: { value, mask: mask ? graph.input('mask', [STEPS]) : null }, values, ...(mask && { mask }) };
}

function run(graph: GraphBuilder, built: ReturnType<typeof build>, of: readonly Value[] = []) {
  const [first, ...others] = built.outputs.map(({ value }) => value);
  const upstream = numbers(ROWS * sizeOf(first!.shape), 5);
  return runGraph(
    { graph, data: built.data, root: first!, also: others, backward: of.length > 0 ? upstream : null, of },
    { backend: referenceBackend(), batchSize: ROWS, realBytes: 8 },
  );
}

const graphOf = (mode: Mode) => new GraphBuilder(mode);
/** Two whole sequences but for their ends, and one that starts late. */
const MASK = [1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1];

describe.each(KINDS)('%s', (type) => {
  it('does not see what is masked, and gives it no gradient', () => {
    const hidden = numbers(ROWS * STEPS * WIDTH, 9).map((value, i) => (MASK[Math.floor(i / WIDTH)] === 0 ? 1e3 * value : value));
    const [plain, other] = [undefined, hidden].map((values) => {
      const graph = graphOf('training');
      const input = sequences(graph, { mask: MASK, ...(values && { values }) });
      return run(graph, build({ type, units: UNITS, return_sequences: true }, [input], graph), [input.tensor.value]);
    });
    expect(other!.output).toEqual(plain!.output);
    expect(plain!.gradients[0]!.map((gradient) => gradient === 0)).toEqual(hidden.map((_, i) => MASK[Math.floor(i / WIDTH)] === 0));
  });

  it('keeps a given state where everything is masked, and puts out zero', () => {
    const graph = graphOf('inference');
    const states = type === 'lstm' ? [1, 2] : [1];
    const initial = states.map((seed): Given => {
      return { tensor: { value: graph.input(`s${seed}`, [UNITS]), mask: null }, values: numbers(ROWS * UNITS, seed) };
    });
    const input = sequences(graph, { mask: Array(ROWS * STEPS).fill(0) });
    const { output, others } = run(graph, build({ type, units: UNITS, return_state: true }, [input, ...initial], graph));
    expect(output).toEqual(Array(ROWS * UNITS).fill(0));
    expect(others).toEqual(initial.map(({ values }) => values));
  });

  it('gives the next layer the mask in the order of its outputs', () => {
    const graph = graphOf('inference');
    const built = build({ type, units: UNITS, return_sequences: true, go_backwards: true }, [sequences(graph, { mask: MASK })], graph);
    const { output } = runGraph(
      { graph, data: built.data, root: built.outputs[0]!.mask!, backward: null, of: [] },
      { backend: referenceBackend(), batchSize: ROWS, realBytes: 8 },
    );
    expect(output).toEqual([0, 1, 2].flatMap((row) => MASK.slice(row * STEPS, (row + 1) * STEPS).toReversed()));
    const last = build({ type, units: UNITS }, [sequences(graph, { mask: MASK })], graph);
    expect(last.outputs[0]!.mask).toBeNull();
  });

  it('drops in training only, and every layer and rate by a stream of its own', () => {
    const streams: number[] = [];
    for (const mode of ['training', 'inference'] as const) {
      const graph = graphOf(mode);
      for (let i = 0; i < 2; i += 1) build({ type, units: UNITS, dropout: 0.2, recurrent_dropout: 0.3 }, [sequences(graph)], graph);
      for (const { attributes } of graph.nodes) if ('stream' in attributes) streams.push(attributes.stream);
    }
    expect(new Set(streams).size).toBe(4);
    expect(streams).toHaveLength(4);
  });

  it('is one half of bidirectional as it is, the other half backwards and put back in order', () => {
    const both = graphOf('inference');
    const wrapped = build({ type: 'bidirectional', layer: { type, units: UNITS, return_sequences: true } }, [sequences(both)], both);
    const { output } = run(both, wrapped);
    const half = wrapped.weights.length / 2;
    const halves = [false, true].map((go_backwards) => {
      const graph = graphOf('inference');
      const alone = build({ type, units: UNITS, return_sequences: true, go_backwards }, [sequences(graph)], graph);
      const first = go_backwards ? half + 1 : 1;
      for (const [i, { value }] of alone.weights.entries()) alone.data.set(value, numbers(sizeOf(value.shape), i + first));
      return run(graph, alone).output;
    });
    for (let row = 0; row < ROWS; row += 1) {
      for (let t = 0; t < STEPS; t += 1) {
        const at = (row * STEPS + t) * UNITS;
        const reversed = (row * STEPS + STEPS - 1 - t) * UNITS;
        const expected = [...halves[0]!.slice(at, at + UNITS), ...halves[1]!.slice(reversed, reversed + UNITS)];
        expect(output.slice(2 * at, 2 * at + 2 * UNITS)).toEqual(expected);
      }
    }
  });

  it('asks for a sequence and for states of its size', () => {
    const definition = layerOf(type)!;
    const { value: options } = parseSchema(innerLayerSchema(definition), { type, units: UNITS });
    for (const shapes of [[[4]], [[2, 3, 4]], [[5, 2], [3]], [[5, 2], [UNITS], [UNITS], [UNITS]]]) {
      expect(definition.outputShape(options as object, shapes)).toMatchObject({ code: 'shape_mismatch' });
    }
  });

  it.each(BACKENDS)('resumes bit by bit with both kinds of dropout on %s', (backend) => {
    const request = classification({ epochs: 4 }, { backend });
    const layer = parseSchema(innerLayerSchema(layerOf(type)!), { type, units: 6, dropout: 0.2, recurrent_dropout: 0.3 }).value as {
      type: string;
    };
    const out = request.spec.layers.at(-1)!;
    const spec = { input_shape: [4, 1], layers: [{ ...layer, name: 'r' }, out] };
    const whole = trainToEnd({ ...request, spec });
    const again = trainToEnd({ ...request, spec });
    expect(numbersOf(again)).toEqual(numbersOf(whole));
    const resumed = trainToEnd({ ...request, spec, resumeFrom: memoryFile(whole.states[1]!) });
    expect(numbersOf(resumed)).toEqual(numbersOf({ ...whole, reports: whole.reports.slice(2) }));
    const undropped = trainToEnd({ ...request, spec: { ...spec, layers: [{ ...layer, name: 'r', recurrent_dropout: 0 }, out] } });
    expect(numbersOf(undropped).result.weights).not.toEqual(numbersOf(whole).result.weights);
  });
});

test('the forget gate of an lstm starts open, unless told otherwise', () => {
  for (const unit_forget_bias of [true, false]) {
    const graph = graphOf('training');
    const { weights } = build({ type: 'lstm', units: 2, unit_forget_bias }, [sequences(graph)], graph);
    const bias = weights.find(({ name }) => name === 'tested/bias')!;
    const arena = new ArrayBuffer(64);
    const place = { byteOffset: 0, dtype: 'float32', length: 8 } as const;
    const block = { byteOffset: 0, bytes: 0 };
    initializeWeights(
      { weights: [bias], layout: { weights: [place], trainable: block, others: block, gradients: block, slots: [], to: 64 }, arena },
      1,
    );
    expect([...new Float32Array(arena, 0, 8)]).toEqual(unit_forget_bias ? [0, 0, 1, 1, 0, 0, 0, 0] : Array(8).fill(0));
  }
});

test('bidirectional refuses a layer that already reads backwards, and says what to do', () => {
  const definition = layerOf('bidirectional')!;
  const posted = { type: 'bidirectional', layer: { type: 'gru', units: 2, go_backwards: true } };
  const { value: options } = parseSchema(innerLayerSchema(definition), posted);
  expect(definition.outputShape(options as object, [[5, 2]])).toMatchObject({
    pointer: '/layer/go_backwards',
    suggestion: [{ op: 'replace', path: '/layer/go_backwards', value: false }],
  });
});
