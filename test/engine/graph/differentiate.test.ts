import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/engine/backends/reference.ts';
import { differentiate } from '../../../src/engine/graph/differentiate.ts';
import { liveNodes } from '../../../src/engine/graph/live-nodes.ts';
import { runGraph, testGraph } from '../graph-session.ts';

const arithmetic = { backend: referenceBackend(), batchSize: 2, realBytes: 8 } as const;

describe('differentiation', () => {
  it('sums the gradients of a value that is used several times', () => {
    const graph = testGraph();
    const x = graph.input('x', [2]);
    const kernel = graph.parameter('kernel', [2, 2]);
    // y = (x W) W, so both the kernel and, below, x get two parts.
    const y = graph.apply('dense', [graph.apply('dense', [x, kernel], {}), kernel], {});
    const { gradients, output } = runGraph(
      {
        graph,
        data: new Map([
          [x, [1, 2, 3, 4]],
          [kernel, [1, 2, 3, 4]],
        ]),
        root: y,
        backward: [1, 1, 1, 1],
        of: [x, kernel],
      },
      arithmetic,
    );
    expect(output).toEqual([37, 54, 81, 118]);
    expect(gradients[0]).toEqual([17, 37, 17, 37]);
    // d sum / dW = x^T (1 W^T) + (x W)^T 1
    expect(gradients[1]).toEqual([12 + 22, 28 + 22, 18 + 32, 42 + 32]);
  });

  it('computes no gradient for the input of the first layer', () => {
    const graph = testGraph();
    const x = graph.input('x', [2]);
    const kernel = graph.parameter('kernel', [2, 2]);
    const y = graph.apply('tanh', [graph.apply('dense', [x, kernel], {})], {});
    const arriving = graph.value({ label: 'upstream', shape: [2], batched: true, type: 'real', role: 'gradient' });
    const { calls, gradients } = differentiate(graph, { nodes: liveNodes(graph, [y]), roots: [{ value: y, arriving }], of: [kernel] });
    expect(calls.map((call) => call.kernel)).toEqual(['tanh_grad', 'dense_grad_kernel']);
    expect(gradients.has(x)).toBe(false);
  });

  it('goes through a reshape without a call', () => {
    const graph = testGraph();
    const x = graph.input('x', [2, 1]);
    const y = graph.apply('tanh', [graph.apply('reshape', [x], { shape: [2] })], {});
    const { gradients } = runGraph({ graph, data: new Map([[x, [0, 0, 0, 0]]]), root: y, backward: [1, 2, 3, 4], of: [x] }, arithmetic);
    expect(gradients[0]).toEqual([1, 2, 3, 4]);
  });

  it('refuses shapes an op cannot take, naming the layer, the op and the shapes', () => {
    const graph = testGraph();
    const x = graph.input('x', [3]);
    expect(() => graph.apply('dense', [x, graph.parameter('kernel', [2, 2])], {})).toThrow(/tested: dense needs .*received \[batch, 3\]/);
  });
});
