import { NO_OPTIONS } from '../losses/options.ts';
import { fixed, perRow } from '../ops/op.ts';
import { sizeOf } from '../shape.ts';
import type { AccumulatedMetric, Evaluated, TargetUnits } from './metric.ts';
import { defineMetric } from './metric.ts';

/** Sums per output column, so that each can be put back into its own units before the mean over the columns is taken. */
export const meanAbsoluteError = columnMetric({
  type: 'mean_absolute_error',
  summary: "Mean distance of prediction and target, in the column's units.",
  kernel: 'accumulate_absolute_error',
  result: (accumulated, { std }) => columnMean(accumulated, (j) => std?.[j] ?? 1),
  kernels: [
    {
      name: 'accumulate_absolute_error',
      buffers: ['p (m, n)', 'y (m, n)', 'in/out: float64 [sum of each column (n), count]'],
      dims: ['m', 'n'],
      scalars: [],
      formula: 'sum[j] += sum over i of |p[i,j] - y[i,j]| (float64, in order of i); count += m',
      run([p, y, accumulator], [m, n]) {
        for (let i = 0; i < m!; i += 1) {
          for (let j = 0; j < n!; j += 1) accumulator![j] = accumulator![j]! + Math.abs(p![i * n! + j]! - y![i * n! + j]!);
        }
        accumulator![n!] = accumulator![n!]! + m!;
      },
    },
  ],
});

export const meanSquaredError = columnMetric({
  type: 'mean_squared_error',
  summary: "Mean squared distance of prediction and target, in the column's units.",
  kernel: 'accumulate_squared_error',
  result: squaredError,
  kernels: [
    {
      name: 'accumulate_squared_error',
      buffers: ['p (m, n)', 'y (m, n)', 'in/out: float64 [sum of each column (n), count]'],
      dims: ['m', 'n'],
      scalars: [],
      formula: 'sum[j] += sum over i of (p[i,j] - y[i,j])^2 (float64, in order of i); count += m',
      run([p, y, accumulator], [m, n]) {
        for (let i = 0; i < m!; i += 1) {
          for (let j = 0; j < n!; j += 1) accumulator![j] = accumulator![j]! + (p![i * n! + j]! - y![i * n! + j]!) ** 2;
        }
        accumulator![n!] = accumulator![n!]! + m!;
      },
    },
  ],
});

export const rootMeanSquaredError = columnMetric({
  type: 'root_mean_squared_error',
  summary: "Root of the mean squared distance over all columns, in the columns' units.",
  kernel: 'accumulate_squared_error',
  result: (accumulated, units) => Math.sqrt(squaredError(accumulated, units)),
  kernels: [],
});

interface ColumnMetric extends Pick<AccumulatedMetric, 'type' | 'summary' | 'kernels'> {
  readonly kernel: string;
  result(accumulated: Float64Array, units: TargetUnits): number;
}

function columnMetric({ kernel, ...metric }: ColumnMetric) {
  const columns = ({ prediction }: Evaluated) => sizeOf(prediction.shape);
  return defineMetric({
    ...metric,
    better: 'lower',
    targets: ['numbers'],
    options: NO_OPTIONS,
    width: columns,
    accumulate: (evaluated, accumulator) => ({
      kernel,
      buffers: [evaluated.prediction, evaluated.target, accumulator],
      dims: [perRow(1), fixed(columns(evaluated))],
      scalars: [],
      writes: [2],
      layer: metric.type,
    }),
  });
}

function squaredError(accumulated: Float64Array, { std }: TargetUnits): number {
  return columnMean(accumulated, (j) => (std?.[j] ?? 1) ** 2);
}

/** Mean over rows and columns of sums per column, each times its factor. */
function columnMean(accumulated: Float64Array, factor: (column: number) => number): number {
  const columns = accumulated.length - 1;
  const sums = accumulated.subarray(0, columns);
  return sums.reduce((total, sum, j) => total + sum * factor(j), 0) / (columns * accumulated[columns]!);
}
