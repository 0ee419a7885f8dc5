/*
 * Reverse-mode differentiation on the graph (Griewank and Walther 2008, chapter 3): nodes backwards, each turning the gradients
 * of its outputs into those of the inputs that lead to a parameter. It emits kernel calls; nothing is computed here.
 */

import { backwardCalls, isAlias, isConstant } from '../ops/calls.ts';
import type { Call } from '../ops/op.ts';
import { elementsOf } from '../ops/op.ts';
import type { GraphBuilder } from './graph.ts';
import type { Node, Value } from './value.ts';

export interface Derivative {
  readonly calls: readonly Call[];
  /** Gradient of each value that was asked for. */
  readonly gradients: ReadonlyMap<Value, Value>;
}

export interface DerivativeRequest {
  /** The live nodes in order. */
  readonly nodes: readonly Node[];
  /** What is differentiated; several roots are summed. */
  readonly roots: readonly Root[];
  readonly of: readonly Value[];
}

export interface Root {
  /** The losses of a loss op: their mean is differentiated. Or any value, when a gradient arrives there from outside. */
  readonly value: Value;
  /** Gradient of the value from outside; null for a loss. */
  readonly arriving: Value | null;
  /** Factor of a loss in the sum; default 1. */
  readonly weight?: number;
}

/** Gradients with respect to `of`. A value that is used several times gets the sum; one the root does not depend on gets none. */
export function differentiate(graph: GraphBuilder, { nodes, roots, of }: DerivativeRequest): Derivative {
  const calls: Call[] = [];
  const parts = new Map<Value, Value[]>();
  for (const { value, arriving } of roots) if (arriving) parts.set(value, [...(parts.get(value) ?? []), arriving]);
  const losses = new Map(roots.filter(({ arriving }) => arriving === null).map(({ value, weight }) => [value, weight ?? 1]));
  const pass: Pass = { graph, calls, parts, leading: leadingTo(nodes, of), losses };
  for (const node of nodes.toReversed()) differentiateNode(pass, node);
  const gradients = new Map<Value, Value>();
  for (const value of of) {
    const gradient = total(pass, value, 'gradient');
    if (gradient) gradients.set(value, gradient);
  }
  return { calls, gradients };
}

interface Pass {
  readonly graph: GraphBuilder;
  readonly calls: Call[];
  /** Gradients that arrived at a value from each of its uses. */
  readonly parts: Map<Value, Value[]>;
  /** Values whose gradient somebody needs. */
  readonly leading: ReadonlySet<Value>;
  /** Factors of the losses, which are where differentiation starts. */
  readonly losses: ReadonlyMap<Value, number>;
}

function leadingTo(nodes: readonly Node[], of: readonly Value[]): Set<Value> {
  const leading = new Set(of);
  for (const node of nodes) {
    if (!isConstant(node) && node.inputs.some((input) => leading.has(input))) for (const output of node.outputs) leading.add(output);
  }
  return leading;
}

function differentiateNode(pass: Pass, node: Node): void {
  const arrived = node.outputs.map((output) => total(pass, output, node.layer));
  const loss = node.outputs.find((output) => pass.losses.has(output));
  if (!loss && arrived.every((gradient) => gradient === null)) return;
  const wanted = node.inputs.map((input) => {
    if (!pass.leading.has(input)) return null;
    const gradient = newGradient(pass, input, isAlias(node) ? arrived[0] : null);
    pass.parts.set(input, [...(pass.parts.get(input) ?? []), gradient]);
    return gradient;
  });
  pass.calls.push(...backwardCalls({ node, arrived, wanted }));
  const factor = loss ? pass.losses.get(loss)! : 1;
  // Backward is linear: the factor of a loss may as well be that of the gradient it starts.
  if (factor !== 1) for (const gradient of wanted) if (gradient) pass.calls.push(scaled(gradient, factor, node.layer));
}

function scaled(gradient: Value, factor: number, layer: string): Call {
  return { kernel: 'affine', buffers: [gradient, gradient], dims: [elementsOf(gradient)], scalars: [factor, 0], writes: [1], layer };
}

function newGradient({ graph }: Pass, of: Value, aliasOf: Value | null | undefined): Value {
  const { label, shape, batched, type, rowsPerRow } = of;
  const rows = rowsPerRow === undefined ? {} : { rowsPerRow };
  return graph.value({ label: `gradient of ${label}`, shape, batched, type, role: 'gradient', ...rows, ...(aliasOf && { aliasOf }) });
}

/** Sum of what arrived at a value, from the last use to the first. */
function total(pass: Pass, value: Value, layer: string): Value | null {
  const [first, ...others] = pass.parts.get(value) ?? [];
  if (!first) return null;
  const sum = others.reduce((sum, part) => {
    const next = newGradient(pass, value, null);
    const { size, perRow } = elementsOf(value);
    const dims = [{ size: size * (value.rowsPerRow ?? 1), perRow }];
    pass.calls.push({ kernel: 'add', buffers: [sum, part, next], dims, scalars: [], writes: [2], inPlace: [0, 2], layer });
    return next;
  }, first);
  pass.parts.set(value, [sum]);
  return sum;
}
