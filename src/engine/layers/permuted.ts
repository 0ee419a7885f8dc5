import type { GraphBuilder, Value } from '../graph/graph.ts';

/** Axes in another order, counted from 0: axis i of the result is axis `order[i]` of x. */
export function permuted(graph: GraphBuilder, x: Value, order: readonly number[]): Value {
  let value = x;
  let current = order.map((_, axis) => axis);
  for (const [position, axis] of order.entries()) {
    const at = current.indexOf(axis);
    if (at === position) continue;
    value = graph.apply('swap_axes', [value], { from: position, middle: at, to: at + 1 });
    current = [...current.slice(0, position), axis, ...current.slice(position, at), ...current.slice(at + 1)];
  }
  return value;
}
