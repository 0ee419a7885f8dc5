import { describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/engine/backends/backend.ts';
import { referenceBackend } from '../../../src/engine/backends/reference.ts';
import { selectBackend } from '../../../src/engine/backends/select.ts';
import type { Value } from '../../../src/engine/graph/graph.ts';

import type { CellActivation } from '../../../src/engine/ops/cell-activations.ts';
import { CELL_ACTIVATIONS } from '../../../src/engine/ops/cell-activations.ts';
import type { RecurrentOp } from '../../../src/engine/ops/recurrence.ts';
import { sizeOf } from '../../../src/engine/shape.ts';
import { FAST_BACKENDS } from '../backends-here.ts';
import { runGraph, testGraph } from '../graph-session.ts';

const ROWS = 3;
const GATES: Readonly<Record<RecurrentOp, number>> = { simple_rnn: 1, lstm: 4, gru: 3, gru_reset_before: 3 };
const CELLS = Object.keys(GATES) as RecurrentOp[];

interface Variation {
  readonly steps: number;
  readonly units: number;
  readonly sequences: boolean;
  readonly backwards: boolean;
  readonly inTimeOrder: boolean;
  readonly dropout: boolean;
  readonly mask: boolean;
  readonly activation: CellActivation;
  readonly recurrentActivation: CellActivation;
}

const PLAIN: Variation = {
  steps: 4,
  units: 3,
  sequences: true,
  backwards: false,
  inTimeOrder: false,
  dropout: false,
  mask: false,
  activation: 'tanh',
  recurrentActivation: 'sigmoid',
};

const VARIATIONS: readonly (readonly [string, Partial<Variation>])[] = [
  ['all outputs', {}],
  ['the last output', { sequences: false }],
  ['one step', { steps: 1 }],
  ['backwards', { backwards: true }],
  ['backwards, put back in time order', { backwards: true, inTimeOrder: true }],
  ['dropout of the state', { dropout: true }],
  ['a mask', { mask: true }],
  ['a mask and the last output', { mask: true, sequences: false }],
  ['a mask, dropout, backwards', { mask: true, dropout: true, backwards: true, inTimeOrder: true }],
  // Few steps: a state that feeds an exponential of itself soon leaves the range of the numbers.
  ...CELL_ACTIVATIONS.flatMap((name) => [
    [`activation ${name}`, { activation: name, steps: 1, units: 2 }] as const,
    [`recurrent activation ${name}`, { recurrentActivation: name, steps: 1, units: 2 }] as const,
  ]),
];

/** Skipped steps in the middle, at the end, at the beginning, and a row that is skipped altogether. */
function maskOf(steps: number): number[] {
  const rows = [(t: number) => t % 3 !== 1 && t < steps - 1, (t: number) => t >= Math.ceil(steps / 2), () => false];
  return rows.flatMap((counts) => Array.from({ length: steps }, (_, t) => Number(counts(t))));
}

/**
 * Two cells, one after the other: the second takes the outputs of the first as its input and the first's final state as its
 * initial one, so gradients arrive at every output and leave for every input.
 */
function run(op: RecurrentOp, variation: Variation, { backend, realBytes, change }: Arithmetic) {
  const { steps, units, sequences, backwards, inTimeOrder, dropout, mask, activation, recurrentActivation } = variation;
  const width = GATES[op] * units;
  const graph = testGraph();
  const data = new Map<Value, number[]>();
  const add = (value: Value, numbers?: number[]): Value => {
    const length = sizeOf(value.shape) * (value.batched ? ROWS : 1);
    data.set(
      value,
      numbers ?? Array.from({ length }, (_, i) => Math.sin(12.9898 * (i + 1) + 4.1 * (data.size + 1)) / Math.sqrt(units / 3)),
    );
    return value;
  };
  const x = add(graph.input('x W', [steps, width]));
  const kernels = [0, 1].map((i) => add(graph.parameter(`U${i}`, [units, width])));
  const biases = op === 'gru' ? [0, 1].map((i) => add(graph.parameter(`bias${i}`, [2, width]))) : [];
  const initial = [graph.input('h', [units]), ...(op === 'lstm' ? [graph.input('c', [units])] : [])].map((value) => add(value));
  const between = add(graph.parameter('between', [units, width]));
  const checked = [...data.keys()];
  const extras = [
    ...(dropout
      ? [
          add(
            graph.input('factors', [units]),
            Array.from({ length: ROWS * units }, (_, i) => (i % 3 === 1 ? 0 : 1.5)),
          ),
        ]
      : []),
    ...(mask ? [add(graph.input('mask', [steps]), maskOf(steps))] : []),
  ];
  const has = { bias: op === 'gru', initialState: true, dropout, mask };
  const attributes = { sequences: true, backwards, inTimeOrder, activation, recurrentActivation, has };
  const first = graph.applyAll(op, [x, kernels[0]!, ...biases.slice(0, 1), ...initial, ...extras], attributes);
  const states = first.slice(1, 1 + initial.length);
  const projected = graph.apply('dense', [first[0]!, between], {});
  const second = [projected, kernels[1]!, ...biases.slice(1), ...states, ...extras];
  const root = graph.apply(op, second, { ...attributes, sequences });
  if (change) data.get(checked[change.input]!)![change.element]! += change.shift;
  const upstream = Array.from({ length: sizeOf(root.shape) * ROWS }, (_, i) => Math.cos(3 * i + 1));
  const result = runGraph({ graph, data, root, backward: upstream, of: checked }, { backend, batchSize: ROWS, realBytes });
  return {
    ...result,
    names: checked.map(({ label }) => label),
    scalar: result.output.reduce((sum, value, i) => sum + value * upstream[i]!, 0),
  };
}

interface Arithmetic {
  readonly backend: Backend;
  readonly realBytes: 4 | 8;
  readonly change?: { readonly input: number; readonly element: number; readonly shift: number };
}

const DISTANCE = 1e-6;

/** Norm-wise relative distance to central differences, per input; of a long tensor a few elements. */
function gradientErrors(op: RecurrentOp, variation: Variation, elementsMax = Number.POSITIVE_INFINITY) {
  const double = { backend: referenceBackend(), realBytes: 8 } as const;
  const { gradients, names } = run(op, variation, double);
  return gradients.map((gradient, input) => {
    const stride = Math.ceil(gradient.length / Math.min(gradient.length, elementsMax));
    let [distance, norm] = [0, 0];
    for (let element = 0; element < gradient.length; element += stride) {
      const [above, below] = [DISTANCE, -DISTANCE].map(
        (shift) => run(op, variation, { ...double, change: { input, element, shift } }).scalar,
      );
      distance += (gradient[element]! - (above! - below!) / (2 * DISTANCE)) ** 2;
      norm += gradient[element]! ** 2;
    }
    return { name: names[input], error: Math.sqrt(distance / Math.max(norm, 1e-6)), finite: gradient.every(Number.isFinite) };
  });
}

describe.each(CELLS)('%s', (op) => {
  it.each(VARIATIONS)('goes backward as central differences do: %s', (_, change) => {
    for (const { name, error } of gradientErrors(op, { ...PLAIN, ...change })) expect(error, name).toBeLessThan(1e-7);
  });

  it('stays finite and exact over 200 steps', () => {
    const long = { ...PLAIN, steps: 200, units: 4, mask: true, dropout: true };
    for (const { name, error, finite } of gradientErrors(op, long, 6)) {
      expect(finite, name).toBe(true);
      expect(error, name).toBeLessThan(1e-6);
    }
  });

  it.each(VARIATIONS)('is the same on the fast backends: %s', (_, change) => {
    const variation = { ...PLAIN, units: 19, ...change };
    const expected = run(op, variation, { backend: referenceBackend(), realBytes: 4 });
    for (const name of FAST_BACKENDS) {
      const received = run(op, variation, { backend: selectBackend(name), realBytes: 4 });
      expectSame(received.output, expected.output, `${name}, output`);
      for (const [i, gradient] of expected.gradients.entries())
        expectSame(received.gradients[i]!, gradient, `${name}, ${expected.names[i]}`);
    }
  });
});

function expectSame(received: readonly number[], expected: readonly number[], what: string): void {
  const largest = Math.max(...expected.map(Math.abs), 1e-3);
  for (const [i, value] of expected.entries()) expect(Math.abs(received[i]! - value), `${what}, element ${i}`).toBeLessThan(2e-5 * largest);
}
