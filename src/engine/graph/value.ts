import type { OpAttributes, OpName } from '../ops/op-attributes.ts';
import type { Shape } from '../shape.ts';

/** `real` is float32, or float64 when a plan is made in double precision; accumulators are float64 always. */
export type ValueType = 'real' | 'int32' | 'float64';

export type Role = 'input' | 'parameter' | 'state' | 'activation' | 'gradient' | 'accumulator' | 'scratch';

/** A tensor of the graph: what it is, not where it lies. The plan gives it a place. */
export interface Value {
  readonly id: number;
  /** For messages: `dense/kernel`, `dense_1: relu`. */
  readonly label: string;
  /** Without the batch axis. */
  readonly shape: Shape;
  /** Whether there is one per row of the batch. Parameters, states and accumulators are not batched. */
  readonly batched: boolean;
  /** Copies of the shape per row of the batch, as for the steps of a sequence that a layer treats as rows. Default 1. */
  readonly rowsPerRow?: number;
  readonly type: ValueType;
  readonly role: Role;
  /** Whose memory this is under another shape. */
  readonly aliasOf?: Value;
}

/** The value whose memory holds this one. */
export function storageOf(value: Value): Value {
  return value.aliasOf ? storageOf(value.aliasOf) : value;
}

/** An op applied to values. */
export interface NodeOf<K extends OpName> {
  readonly op: K;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: OpAttributes[K];
  /** The layer that emitted it. */
  readonly layer: string;
}

export type Node = { [K in OpName]: NodeOf<K> }[OpName];
