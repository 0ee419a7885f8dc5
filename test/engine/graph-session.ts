import { GraphBuilder } from '../../src/engine/graph/graph.ts';

export { runGraph } from '../../src/engine/conformance/run-graph.ts';

/** A graph in which values are named as a layer would. */
export function testGraph(): GraphBuilder {
  const graph = new GraphBuilder('training');
  graph.layer = 'tested';
  return graph;
}
