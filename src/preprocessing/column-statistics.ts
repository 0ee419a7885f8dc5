/** What is known of the values of one column in some rows. */
export interface Statistics {
  readonly mean: number;
  /** Population standard deviation; 1 for a constant column, so that dividing by it is always possible. */
  readonly std: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Statistics of a column over rows, missing values (NaN) left out; a column without any value has mean 0 and std 1.
 * Two passes over the differences from the first value: one pass of sums of squares cancels catastrophically where the
 * mean is large against the deviation (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983).
 */
export function columnStatistics(cell: (row: number) => number, rows: Int32Array): Statistics {
  const first = firstValue(cell, rows);
  if (first === null) return { mean: 0, std: 1, min: 0, max: 0 };
  let [count, sum, min, max] = [0, 0, first, first];
  for (const row of rows) {
    const value = cell(row);
    if (Number.isNaN(value)) continue;
    count += 1;
    sum += value - first;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const mean = first + sum / count;
  const std = min === max ? 0 : Math.sqrt(meanSquare(cell, rows, { mean, count }));
  // Rounding would give a constant column a tiny deviation, and dividing by it would blow noise up to ±1.
  return { mean: min === max ? first : mean, std: std > 0 ? std : 1, min, max };
}

function firstValue(cell: (row: number) => number, rows: Int32Array): number | null {
  for (const row of rows) {
    const value = cell(row);
    if (!Number.isNaN(value)) return value;
  }
  return null;
}

function meanSquare(cell: (row: number) => number, rows: Int32Array, { mean, count }: { mean: number; count: number }): number {
  let squares = 0;
  for (const row of rows) {
    const value = cell(row);
    if (!Number.isNaN(value)) squares += (value - mean) ** 2;
  }
  return squares / count;
}

/** The middle value, or the mean of the two in the middle; 0 without any value. */
export function columnMedian(cell: (row: number) => number, rows: Int32Array): number {
  const values = Float64Array.from(rows, cell)
    .filter((value) => !Number.isNaN(value))
    .sort();
  const middle = values.length >> 1;
  const upper = values[middle] ?? 0;
  return values.length % 2 === 1 ? upper : ((values[middle - 1] ?? 0) + upper) / 2;
}

/** The most frequent value, the smallest of several equally frequent ones; 0 without any value. */
export function columnMode(cell: (row: number) => number, rows: Int32Array): number {
  const counts = new Map<number, number>();
  for (const row of rows) {
    const value = cell(row);
    if (!Number.isNaN(value)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  let [mode, most] = [0, 0];
  for (const [value, count] of counts) {
    if (count > most || (count === most && value < mode)) [mode, most] = [value, count];
  }
  return mode;
}
