import type { Backend } from '../backends/backend.ts';
import type { JsonObject } from '../json-schema.ts';
import type { Shape } from '../shape.ts';

export interface VectorTensor {
  readonly shape: Shape;
  readonly dtype?: 'float32' | 'int32' | 'bool';
  readonly data: readonly number[];
}

export type VectorTensors = Readonly<Record<string, VectorTensor>>;

/** One golden case: the thing under test, what goes in and what must come out. */
export interface Vector {
  readonly name: string;
  readonly kind: string;
  readonly spec: JsonObject;
  readonly mode?: 'train' | 'infer';
  readonly inputs: VectorTensors;
  readonly params?: VectorTensors;
  readonly upstream?: VectorTensor;
  readonly expect: Expected;
  readonly tolerance: Tolerance;
}

export interface Expected {
  readonly output?: VectorTensor;
  readonly grad_inputs?: VectorTensors;
  readonly grad_params?: VectorTensors;
  readonly state?: VectorTensors;
  readonly params?: VectorTensors;
  readonly params_by_step?: readonly VectorTensors[];
  readonly losses?: readonly number[];
  readonly converged?: boolean;
}

export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/** Something computed beside what was expected. */
export interface Comparison {
  /** For messages: `output`, `gradient of kernel`. */
  readonly what: string;
  readonly received: ArrayLike<number>;
  readonly expected: ArrayLike<number>;
  /** With the batch; compared where both are known. */
  readonly receivedShape?: Shape;
  readonly expectedShape?: Shape;
}

/** Runs one kind of case. Throws when the spec is not one of the engine. */
export type CaseRunner = (vector: Vector, backend: Backend) => readonly Comparison[];

/** Compares only what the case expects. */
export function comparison(
  what: string,
  expected: VectorTensor | undefined,
  received: ArrayLike<number>,
  receivedShape?: Shape,
): Comparison[] {
  if (!expected) return [];
  return [{ what, received, expected: expected.data, expectedShape: expected.shape, ...(receivedShape && { receivedShape }) }];
}
