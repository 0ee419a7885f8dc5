import type { Node, NodeOf } from '../graph/value.ts';
import { OPS } from './index.ts';
import type { BackwardRequest, Call } from './op.ts';
import type { OpName } from './op-attributes.ts';

/** Kernel calls of a node's forward pass. */
export function forwardCalls<K extends OpName>(node: NodeOf<K>): readonly Call[] {
  return forAllRows(node, OPS[node.op].forward(node));
}

/** Kernel calls that turn the arrived gradients into the wanted ones. */
export function backwardCalls<K extends OpName>(request: BackwardRequest<K>): readonly Call[] {
  return forAllRows(request.node, OPS[request.node.op].backward(request));
}

/** Kernel calls of a node that change state once a training step is accepted. */
export function stateUpdateCalls<K extends OpName>(node: NodeOf<K>): readonly Call[] {
  return forAllRows(node, OPS[node.op].stateUpdates?.(node) ?? []);
}

/** Floating-point operations of a node's forward pass over one row. */
export function nodeFlops<K extends OpName>(node: NodeOf<K>): number {
  return OPS[node.op].flops(node) * rowsPerRowOf(node);
}

/** Ops think in rows; a node whose values have several per row of the batch has that many times the work. */
function forAllRows(node: Pick<Node, 'inputs' | 'outputs'>, calls: readonly Call[]): readonly Call[] {
  const rows = rowsPerRowOf(node);
  if (rows === 1) return calls;
  return calls.map((call) => ({ ...call, dims: call.dims.map((dim) => (dim.perRow ? { ...dim, size: dim.size * rows } : dim)) }));
}

function rowsPerRowOf({ inputs, outputs }: Pick<Node, 'inputs' | 'outputs'>): number {
  return [...inputs, ...outputs].reduce((rows, value) => Math.max(rows, value.rowsPerRow ?? 1), 1);
}

/** Whether a node only renames memory. */
export function isAlias(node: Node): boolean {
  return OPS[node.op].alias === true;
}

/** Whether no gradient goes through a node. */
export function isConstant(node: Node): boolean {
  return OPS[node.op].constant === true;
}
