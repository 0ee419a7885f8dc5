import { permutation, type Split, STREAMS } from '../engine/index.ts';

export const SPLIT_STRATEGIES = ['random', 'stratified', 'time'] as const;

export type SplitStrategy = (typeof SPLIT_STRATEGIES)[number];

/** How rows are divided. The fractions may add up to less than one: the rest is left unused. */
export interface SplitOptions {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  readonly strategy: SplitStrategy;
  readonly seed: number;
}

/** Row counts of the parts. */
export interface PartSizes {
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

export type Fractions = Pick<SplitOptions, keyof PartSizes>;

/**
 * Validation and test are rounded, training takes what its fraction allows of the rest. `shared` rows before one have something of its
 * target: a part loses so many where a later one begins (purging: López de Prado 2018, section 7.4.1).
 */
export function splitSizes(rows: number, fractions: Fractions, shared = 0): PartSizes {
  const { train, validation, test } = wholeSizes(rows, fractions);
  return {
    train: validation + test === 0 ? train : Math.max(0, train - shared),
    validation: test === 0 ? validation : Math.max(0, validation - shared),
    test,
  };
}

function wholeSizes(rows: number, options: Fractions): PartSizes {
  const validation = Math.min(rows, Math.round(rows * options.validation));
  const test = Math.min(rows - validation, Math.round(rows * options.test));
  const isWhole = options.train + options.validation + options.test > 1 - 1e-9;
  const rest = rows - validation - test;
  return { train: isWhole ? rest : Math.min(rest, Math.round(rows * options.train)), validation, test };
}

/**
 * Divides rows into parts, the same way for the same options. `classes (rows)` are the strata of a stratified split, `shared` what
 * `splitSizes` purges in time order. Each part lists its rows in file order, so that training without shuffling sees them as they came.
 */
export function splitRows(
  rows: number,
  options: SplitOptions,
  { classes, shared = 0 }: { readonly classes?: Int32Array | undefined; readonly shared?: number } = {},
): Split {
  const sizes = wholeSizes(rows, options);
  // In time order the oldest rows train and the newest test; in the drawn orders the parts are cut from the front.
  if (options.strategy === 'time') {
    const order = Int32Array.from({ length: rows }, (_, row) => row);
    const purged = splitSizes(rows, options, shared);
    const testStart = sizes.train + sizes.validation;
    return {
      train: order.slice(0, purged.train),
      validation: order.slice(sizes.train, sizes.train + purged.validation),
      test: order.slice(testStart, testStart + purged.test),
    };
  }
  const drawn = permutation(options.seed, STREAMS.split, 0, rows);
  const order = options.strategy === 'stratified' && classes ? interleave(drawn, classes) : drawn;
  const trainStart = sizes.test + sizes.validation;
  return {
    test: order.slice(0, sizes.test).sort(),
    validation: order.slice(sizes.test, trainStart).sort(),
    train: order.slice(trainStart, trainStart + sizes.train).sort(),
  };
}

/**
 * Spreads every class evenly over the order: the k-th drawn row of a class of n sits at (k + 1/2) / n. Any run of
 * consecutive places then holds each class in proportion, to within one row, whatever sizes the parts have, and a class with
 * a single row lies in the middle, which is training for all usual fractions.
 */
function interleave(drawn: Int32Array, classes: Int32Array): Int32Array {
  const counts = new Map<number, number>();
  for (const label of classes) counts.set(label, (counts.get(label) ?? 0) + 1);
  const seen = new Map<number, number>();
  const place = new Float64Array(drawn.length);
  for (const row of drawn) {
    const label = classes[row] ?? -1;
    const k = seen.get(label) ?? 0;
    seen.set(label, k + 1);
    place[row] = (k + 0.5) / (counts.get(label) ?? 1);
  }
  const at = (row: number) => place[row] ?? 0;
  const labelOf = (row: number) => classes[row] ?? -1;
  return drawn.toSorted((a, b) => at(a) - at(b) || labelOf(a) - labelOf(b) || a - b);
}
