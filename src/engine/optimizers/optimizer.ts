import type { Static, TObject } from 'typebox';
import type { KernelDefinition } from '../ops/op.ts';

/** The one kernel call of an update over the whole parameter block. */
export interface UpdateCall {
  readonly kernel: string;
  readonly scalars: readonly number[];
}

/**
 * An optimizer: options, number of slots (arrays as large as the parameters, first filled with 0) and its kernel, which reads
 * parameters, gradients and slots in that order and the learning rate of the step. One pass over one block.
 */
export interface OptimizerDefinition<Options extends TObject = TObject> {
  readonly type: string;
  readonly summary: string;
  /** Link to the paper. */
  readonly source: string;
  /** Options next to `type`. */
  readonly options: Options;
  slots(options: Static<Options>): number;
  update(options: Static<Options>): UpdateCall;
  readonly kernels: readonly KernelDefinition[];
}

/** Keeps the option type while checking the record. */
export function defineOptimizer<Options extends TObject>(definition: OptimizerDefinition<Options>): OptimizerDefinition<Options> {
  return definition;
}
