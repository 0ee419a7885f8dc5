import type { Graph } from './graph.ts';
import type { Node, Value } from './value.ts';

/** The nodes the roots depend on, in order. The rest is dead: a softmax whose work the loss took over, for instance. */
export function liveNodes(graph: Graph, roots: readonly Value[]): Node[] {
  const needed = new Set(roots);
  return graph.nodes
    .toReversed()
    .filter((node) => {
      const live = node.outputs.some((output) => needed.has(output));
      if (live) for (const input of node.inputs) needed.add(input);
      return live;
    })
    .toReversed();
}
