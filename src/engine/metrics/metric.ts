import type { Value } from '../graph/value.ts';
import type { Call, KernelDefinition } from '../ops/op.ts';
import type { TargetSignature } from '../spec/model-spec.ts';

/** What a metric may look at in an evaluated batch. */
export interface Evaluated {
  /** Output of the network: probabilities when the last activation gives them. */
  readonly prediction: Value;
  readonly target: Value;
  /** One loss per vector. */
  readonly loss: Value;
}

/** Accumulates in float64 while batches run; the last word of the accumulator is the number of things counted. */
export interface MetricDefinition {
  readonly type: string;
  readonly summary: string;
  readonly source?: string;
  /** Which way is better: decides the best epoch. */
  readonly better: 'lower' | 'higher';
  /** Targets it can be asked for. */
  readonly targets: readonly TargetSignature['kind'][];
  /** Words of the accumulator before the count. */
  width(evaluated: Evaluated): number;
  accumulate(evaluated: Evaluated, accumulator: Value): Call;
  /** `scale`: standard deviation by which each target column was divided. */
  result(accumulated: Float64Array, scale?: Float64Array): number;
  readonly kernels: readonly KernelDefinition[];
}
