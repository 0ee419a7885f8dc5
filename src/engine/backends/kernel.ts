/** A view of one arena buffer. Float64Array in double-precision sessions of the reference backend. */
export type Numbers = Float32Array | Float64Array | Int32Array;

/** What a kernel may know of the step it runs in. */
export interface Step {
  /** Rows of this batch. */
  readonly rows: number;
  /** Update number from 0 over the whole job. */
  readonly number: number;
  readonly seed: readonly [number, number];
  readonly learningRate: number;
  /** Row numbers of this batch, `rows` of them. */
  readonly batchRows: Int32Array;
  readonly feeds: readonly Numbers[];
  /** Set by `guard_finite`: the step ends here. */
  nonFinite: boolean;
}

/**
 * One kernel: its name (the native table uses the same) and the reference loop.
 * Buffers, sizes and scalars arrive checked; a kernel never allocates, checks shapes or knows a layer.
 */
export interface Kernel {
  readonly name: string;
  readonly run: (buffers: readonly (Numbers | null)[], dims: readonly number[], scalars: readonly number[], step: Step) => void;
}
