import { differentiate } from '../graph/differentiate.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import { liveNodes } from '../graph/live-nodes.ts';
import { forwardCalls, stateUpdateCalls } from '../ops/calls.ts';
import type { Call } from '../ops/op.ts';
import type { Arithmetic } from './run-calls.ts';
import { runCalls } from './run-calls.ts';

/** A graph with the numbers that go in and the values whose numbers are wanted. */
export interface GraphCase {
  readonly graph: GraphBuilder;
  readonly data: ReadonlyMap<Value, ArrayLike<number>>;
  /** What is computed. */
  readonly root: Value;
  /** Other values whose numbers are wanted, computed or given. */
  readonly also?: readonly Value[];
  /** A loss goes backward by itself, `upstream` arrives at any other root; null: forward only. */
  readonly backward: 'loss' | ArrayLike<number> | null;
  /** Values whose gradients are wanted. */
  readonly of: readonly Value[];
}

export interface GraphResult {
  readonly output: number[];
  /** Empty for a value the root does not depend on. */
  readonly gradients: number[][];
  /** Of the values in `also`, after changes of state. */
  readonly others: number[][];
}

/** Differentiates, plans and runs a graph once. */
export function runGraph({ graph, data, root, also = [], backward, of }: GraphCase, arithmetic: Arithmetic): GraphResult {
  const numbers = new Map(data);
  const nodes = liveNodes(graph, [root, ...also]);
  const calls: Call[] = nodes.flatMap((node) => forwardCalls(node));
  let gradients: (Value | undefined)[] = [];
  if (backward !== null) {
    const arriving = backward === 'loss' ? null : upstreamOf(graph, root);
    if (arriving && backward !== 'loss') numbers.set(arriving, backward);
    const derivative = differentiate(graph, { nodes, roots: [{ value: root, arriving }], of });
    calls.push(...derivative.calls);
    gradients = of.map((value) => derivative.gradients.get(value));
  }
  calls.push(...nodes.flatMap((node) => stateUpdateCalls(node)));
  const kept = [root, ...also, ...gradients.filter((gradient) => gradient !== undefined)];
  const read = runCalls(calls, numbers, kept, arithmetic);
  return { output: read(root), gradients: gradients.map((gradient) => (gradient ? read(gradient) : [])), others: also.map(read) };
}

function upstreamOf(graph: GraphBuilder, { id: _id, aliasOf: _aliasOf, ...root }: Value): Value {
  return graph.value({ ...root, label: 'upstream', role: 'gradient' });
}
