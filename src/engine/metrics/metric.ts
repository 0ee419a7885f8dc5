import type { Static, TObject } from 'typebox';
import type { Numbers } from '../backends/kernel.ts';
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

/** How numeric target columns were standardised, to put results back into the columns' units. Absent: they were not. */
export interface TargetUnits {
  readonly std?: Float64Array | undefined;
  readonly mean?: Float64Array | undefined;
  /**
   * For targets that were told against something else of their row, such as the value before: the targets themselves in the columns'
   * units, of all rows in order, row-major. Whoever asks how large or how varied targets are means these.
   */
  readonly levels?: (() => Float64Array) | undefined;
}

/** Outputs and targets of all evaluated rows, row-major. */
export interface Collected {
  readonly predictions: Numbers;
  readonly targets: Numbers;
  /** Last axis of the prediction. */
  readonly width: number;
}

/** Rows of numbers, for results that are no single one. */
export type Matrix = readonly (readonly number[])[];

interface DescribedMetric<Options extends TObject> {
  readonly type: string;
  readonly summary: string;
  readonly source?: string;
  /** Which way is better: decides the best epoch. Null: it is no number, so it cannot be watched. */
  readonly better: 'lower' | 'higher' | null;
  /** Targets it can be asked for. */
  readonly targets: readonly TargetSignature['kind'][];
  /** Whether it needs one score per class: a single probability says too little. */
  readonly perClass?: boolean;
  /** Options next to `type`, all with defaults. */
  readonly options: Options;
  readonly kernels: readonly KernelDefinition[];
}

/** Accumulates in float64 while batches run; the last word of the accumulator is the number of things counted. */
export interface AccumulatedMetric<Options extends TObject = TObject> extends DescribedMetric<Options> {
  /** Words of the accumulator before the count. */
  width(evaluated: Evaluated): number;
  accumulate(evaluated: Evaluated, accumulator: Value, options: Static<Options>): Call;
  result(accumulated: Float64Array, units: TargetUnits, options: Static<Options>): number | Matrix;
}

/** Is no sum over rows: worked out in float64 from the predictions of all rows. */
export interface CollectedMetric<Options extends TObject = TObject> extends DescribedMetric<Options> {
  evaluate(collected: Collected, units: TargetUnits, options: Static<Options>): number;
}

export type MetricDefinition<Options extends TObject = TObject> = AccumulatedMetric<Options> | CollectedMetric<Options>;

/** Keeps the option type while checking the record. */
export function defineMetric<Options extends TObject>(definition: AccumulatedMetric<Options>): AccumulatedMetric<Options> {
  return definition;
}

/** Keeps the option type while checking the record. */
export function defineCollectedMetric<Options extends TObject>(definition: CollectedMetric<Options>): CollectedMetric<Options> {
  return definition;
}

export function isCollected(metric: MetricDefinition): metric is CollectedMetric {
  return 'evaluate' in metric;
}
