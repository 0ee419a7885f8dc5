import type { Kernel } from '../backends/kernel.ts';
import type { NodeOf, Value } from '../graph/value.ts';
import type { Shape } from '../shape.ts';
import { formatShape, sizeOf } from '../shape.ts';
import type { OpAttributes, OpName } from './op-attributes.ts';

/** A size of a kernel call: `size`, times the rows of the batch when `perRow`. */
export interface CallSize {
  readonly size: number;
  readonly perRow: boolean;
}

/** One kernel call over values. The plan turns values into places. */
export interface Call {
  readonly kernel: string;
  /** In the order of the kernel's documentation; null is an absent buffer. */
  readonly buffers: readonly (Value | null)[];
  readonly dims: readonly CallSize[];
  readonly scalars: readonly number[];
  /** Which of `buffers` the kernel writes; all others it reads. Accumulating kernels do both. */
  readonly writes: readonly number[];
  /** `[read, written]` positions of `buffers` that may be the very same memory. */
  readonly inPlace?: readonly [number, number];
  readonly layer: string;
}

/** What a shape rule sees. */
export interface Application<K extends OpName> {
  readonly inputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  readonly layer: string;
}

/** What a backward rule sees: gradients that arrived and those that are wanted (null: nobody needs it, do not compute it). */
export interface BackwardRequest<K extends OpName> {
  readonly node: NodeOf<K>;
  /** One per output. All null for a loss, which is where differentiation starts. */
  readonly arrived: readonly (Value | null)[];
  /** One per input. */
  readonly wanted: readonly (Value | null)[];
}

/** An op: shape rule, forward, backward, cost and its kernels. One file each (or a row of a table), one line in `index.ts`. */
export interface Op<K extends OpName> {
  readonly name: K;
  /** Paper or section of the theory. */
  readonly source?: string;
  /** Shapes of the outputs, or an `OpError`. */
  outputs(application: Application<K>): readonly Shape[];
  forward(node: NodeOf<K>): readonly Call[];
  backward(request: BackwardRequest<K>): readonly Call[];
  /** Floating-point operations of the forward pass over one row. Backward costs about as much again per wanted gradient. */
  flops(node: NodeOf<K>): number;
  /** True when the output is the input's memory under another shape: no call, no buffer. */
  readonly alias?: boolean;
  /** True when no gradient goes through it, as for a mask: what follows is a constant to differentiation. */
  readonly constant?: boolean;
  /** How many rows its outputs have per row of the batch; without this as many as its inputs. */
  rowsPerRow?(application: Application<K>): number;
  /** Positions of outputs of which there is one for the whole batch instead of one per row, such as its mean. */
  readonly perBatch?: readonly number[];
  /** Calls that change state (running averages): in training, after the guards, together with the optimizer's update. */
  stateUpdates?(node: NodeOf<K>): readonly Call[];
  readonly kernels: readonly KernelDefinition[];
}

/** A kernel with the documentation from which `KERNELS.md` is printed. */
export interface KernelDefinition extends Kernel {
  readonly buffers: readonly string[];
  readonly dims: readonly string[];
  readonly scalars: readonly string[];
  /** The formula, in one line. */
  readonly formula: string;
}

/** An op was applied to values it cannot take. A checked spec never causes it. */
export class OpError extends Error {
  readonly op: OpName;
  readonly layer: string;
  readonly shapes: readonly Shape[];

  constructor(op: OpName, application: { readonly inputs: readonly Value[]; readonly layer: string }, expected: string) {
    const shapes = application.inputs.map((input) => input.shape);
    super(`${application.layer}: ${op} needs ${expected}, received ${shapes.map(formatShape).join(' and ')}`);
    this.name = 'OpError';
    this.op = op;
    this.layer = application.layer;
    this.shapes = shapes;
  }
}

/** Keeps attribute types while checking the record. */
export function defineOp<K extends OpName>(op: Op<K>): Op<K> {
  return op;
}

/** A size that grows with the rows of the batch. */
export function perRow(size: number): CallSize {
  return { size, perRow: true };
}

/** A size that does not depend on the batch. */
export function fixed(size: number): CallSize {
  return { size, perRow: false };
}

/**
 * Memory of a size that does not depend on the batch, which only the calls of one pass of an op use. A kernel that needs room lists
 * it in `buffers` and `writes` and calls it `scratch` in its documentation: it holds nothing before the call and nothing after it.
 */
export function scratchValue(layer: string, length: number): Value {
  return { id: -1, label: `${layer}: scratch`, shape: [length], batched: false, type: 'real', role: 'scratch' };
}

/** Elements of a value, as a kernel is told. */
export function elementsOf(value: Value): CallSize {
  return { size: sizeOf(value.shape), perRow: value.batched };
}

/** Last axis of a value. */
export function lastAxis(value: Value): number {
  return value.shape.at(-1) ?? 1;
}

/** Number of last-axis vectors per row. */
export function outerSize(value: Value): number {
  return sizeOf(value.shape.slice(0, -1));
}
