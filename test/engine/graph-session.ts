import type { Backend } from '../../src/engine/backends/backend.ts';
import { CONTROL } from '../../src/engine/backends/backend.ts';
import { viewOf } from '../../src/engine/backends/reference.ts';
import { differentiate } from '../../src/engine/graph/differentiate.ts';
import type { Value } from '../../src/engine/graph/graph.ts';
import { GraphBuilder } from '../../src/engine/graph/graph.ts';
import { liveNodes } from '../../src/engine/graph/live-nodes.ts';
import { storageOf } from '../../src/engine/graph/value.ts';
import { forwardCalls } from '../../src/engine/ops/calls.ts';
import type { Call } from '../../src/engine/ops/op.ts';
import { bufferRef, bytesOf, placeValues } from '../../src/engine/plan/placement.ts';
import { assembleProgram } from '../../src/engine/plan/program.ts';

/** A graph with the numbers that go in and the values whose numbers are wanted. */
export interface GraphCase {
  readonly graph: GraphBuilder;
  readonly data: ReadonlyMap<Value, ArrayLike<number>>;
  /** What is computed. */
  readonly root: Value;
  /** A loss goes backward by itself, `upstream` arrives at any other root; null: forward only. */
  readonly backward: 'loss' | ArrayLike<number> | null;
  /** Values whose gradients are wanted. */
  readonly of: readonly Value[];
}

export interface GraphResult {
  readonly output: number[];
  readonly gradients: number[][];
}

export interface Arithmetic {
  readonly backend: Backend;
  readonly batchSize: number;
  readonly realBytes: 4 | 8;
}

/** Differentiates, plans and runs a graph once. */
export function runGraph({ graph, data, root, backward, of }: GraphCase, arithmetic: Arithmetic): GraphResult {
  const numbers = new Map(data);
  const nodes = liveNodes(graph, [root]);
  const calls: Call[] = nodes.flatMap((node) => forwardCalls(node));
  let gradients: (Value | undefined)[] = [];
  if (backward !== null) {
    const arriving = backward === 'loss' ? null : upstreamOf(graph, root);
    if (arriving && backward !== 'loss') numbers.set(arriving, backward);
    const derivative = differentiate(graph, { nodes, roots: [{ value: root, arriving }], of });
    calls.push(...derivative.calls);
    gradients = of.map((value) => derivative.gradients.get(value));
  }
  const kept = [root, ...gradients.filter((gradient) => gradient !== undefined)];
  const read = runCalls(calls, numbers, kept, arithmetic);
  return { output: read(root), gradients: gradients.map((gradient) => (gradient ? read(gradient) : [])) };
}

function upstreamOf(graph: GraphBuilder, { shape, batched, type }: Value): Value {
  return graph.value({ label: 'upstream', shape, batched, type, role: 'gradient' });
}

/** Places and runs calls once; the result reads the numbers of a value. */
export function runCalls(
  calls: readonly Call[],
  data: ReadonlyMap<Value, ArrayLike<number>>,
  kept: readonly Value[],
  arithmetic: Arithmetic,
): (value: Value) => number[] {
  const { backend, batchSize } = arithmetic;
  let from = 0;
  const homes = new Map(
    [...data.keys()].map((value) => {
      const place = bufferRef(value, from, arithmetic);
      from += bytesOf(value, arithmetic);
      return [value, place] as const;
    }),
  );
  const { places, to } = placeValues({ calls, homes, kept, from, ...arithmetic });
  const arena = new ArrayBuffer(to);
  for (const [value, numbers] of data) viewOf(places.get(value)!, arena).set(numbers);
  backend.load(assembleProgram(calls, places, { arenaBytes: to, batchSize }), arena).run({
    feeds: [],
    order: Int32Array.from({ length: batchSize }, (_, i) => i),
    from: 0,
    to: batchSize,
    firstStep: 0,
    learningRates: new Float64Array(0),
    seed: [7, 11],
    control: new Int32Array(CONTROL.words),
  });
  return (value) => [...viewOf(places.get(storageOf(value))!, arena)];
}

/** A graph in which values are named as a layer would. */
export function testGraph(): GraphBuilder {
  const graph = new GraphBuilder('training');
  graph.layer = 'tested';
  return graph;
}
