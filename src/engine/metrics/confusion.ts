import Type, { type Static, type TObject } from 'typebox';
import { NO_OPTIONS } from '../losses/options.ts';
import { fixed, lastAxis, outerSize, perRow } from '../ops/op.ts';
import { THRESHOLD } from './accuracy.ts';
import type { AccumulatedMetric, Evaluated } from './metric.ts';
import { defineMetric } from './metric.ts';

const AVERAGE = Type.Object({
  average: Type.Union([Type.Literal('macro'), Type.Literal('micro')], {
    default: 'macro',
    description: '`macro`: mean over the classes, each counting the same. `micro`: over all rows, each counting the same.',
  }),
});

/** How often each class was right, predicted and true. */
interface Counts {
  readonly hits: readonly number[];
  readonly predicted: readonly number[];
  readonly actual: readonly number[];
}

export const confusionMatrix = confusionMetric({
  type: 'confusion_matrix',
  summary: 'How often each class was predicted for each true class: a row per true class, a column per predicted one.',
  better: null,
  options: NO_OPTIONS,
  result: (accumulated) => matrixOf(accumulated),
  kernels: [
    {
      name: 'accumulate_confusion',
      buffers: ['scores (m, n)', 'y (m) int32 classes', 'in/out: float64 [pairs (n, n), count]'],
      dims: ['m', 'n'],
      scalars: [],
      formula: 'pairs[y[i], j] += 1 for each i, j the position of the largest score (the first of equal ones); count += m',
      run([scores, classes, accumulator], [m, n]) {
        for (let i = 0; i < m!; i += 1) {
          let best = 0;
          for (let j = 1; j < n!; j += 1) if (scores![i * n! + j]! > scores![i * n! + best]!) best = j;
          const pair = classes![i]! * n! + best;
          accumulator![pair] = accumulator![pair]! + 1;
        }
        accumulator![n! * n!] = accumulator![n! * n!]! + m!;
      },
    },
    {
      name: 'accumulate_binary_confusion',
      buffers: ['p (m)', 'y (m), 0 or 1', 'in/out: float64 [pairs (4), count]'],
      dims: ['m'],
      scalars: ['threshold'],
      formula: 'pairs[2 (y[i] >= threshold) + (p[i] >= threshold)] += 1 for each i; count += m',
      run([p, y, accumulator], [m], [threshold]) {
        for (let i = 0; i < m!; i += 1) {
          const pair = 2 * Number(y![i]! >= threshold!) + Number(p![i]! >= threshold!);
          accumulator![pair] = accumulator![pair]! + 1;
        }
        accumulator![4] = accumulator![4]! + m!;
      },
    },
  ],
});

export const precision = averagedMetric('precision', 'Share of the rows predicted as a class that are of it.', {
  ofClass: ({ hits, predicted }, c) => ratio(hits[c]!, predicted[c]!),
});

export const recall = averagedMetric('recall', 'Share of the rows of a class that were predicted as it.', {
  ofClass: ({ hits, actual }, c) => ratio(hits[c]!, actual[c]!),
});

export const f1 = averagedMetric('f1', 'Harmonic mean of precision and recall; macro is the mean of the values of the classes.', {
  ofClass: ({ hits, predicted, actual }, c) => ratio(2 * hits[c]!, predicted[c]! + actual[c]!),
});

/** Over all rows every miss is a wrong prediction and a missed class at once, so micro is the share of hits for all three. */
function averagedMetric(type: string, summary: string, { ofClass }: { ofClass(counts: Counts, c: number): number }) {
  return confusionMetric({
    type,
    summary,
    better: 'higher',
    options: AVERAGE,
    result(accumulated, _units, { average }) {
      const counts = countsOf(matrixOf(accumulated));
      const { hits } = counts;
      if (average === 'micro') return ratio(sum(hits), accumulated.at(-1)!);
      return sum(hits.map((_, c) => ofClass(counts, c))) / hits.length;
    },
    kernels: [],
  });
}

type ConfusionMetric<Options extends TObject> = Pick<
  AccumulatedMetric<Options>,
  'type' | 'summary' | 'better' | 'options' | 'result' | 'kernels'
>;

function confusionMetric<Options extends TObject>(metric: ConfusionMetric<Options>): AccumulatedMetric<Options> {
  return defineMetric({
    ...metric,
    targets: ['classes'],
    width: (evaluated) => classesOf(evaluated) ** 2,
    accumulate({ prediction, target }, accumulator, _options: Static<Options>) {
      const shared = { buffers: [prediction, target, accumulator], writes: [2], layer: metric.type };
      const m = outerSize(prediction);
      return target.type === 'int32'
        ? { ...shared, kernel: 'accumulate_confusion', dims: [perRow(m), fixed(lastAxis(prediction))], scalars: [] }
        : { ...shared, kernel: 'accumulate_binary_confusion', dims: [perRow(m * lastAxis(prediction))], scalars: [THRESHOLD] };
    },
  });
}

function classesOf({ prediction, target }: Evaluated): number {
  return target.type === 'int32' ? lastAxis(prediction) : 2;
}

function matrixOf(accumulated: Float64Array): number[][] {
  const classes = Math.sqrt(accumulated.length - 1);
  return Array.from({ length: classes }, (_, row) => [...accumulated.subarray(row * classes, (row + 1) * classes)]);
}

function countsOf(matrix: readonly number[][]): Counts {
  return {
    hits: matrix.map((row, c) => row[c]!),
    predicted: matrix.map((_, c) => sum(matrix.map((row) => row[c]!))),
    actual: matrix.map(sum),
  };
}

/** A share of nothing counts as 0. */
function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
