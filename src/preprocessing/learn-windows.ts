import { findColumn, type Table } from '../datasets/table.ts';
import { AppError } from '../errors.ts';
import { cellReader } from './column-cells.ts';
import { columnStatistics } from './column-statistics.ts';
import { encodeRows } from './encode.ts';
import { type LearnRequest, learnFeature, lookUp } from './learn.ts';
import type { FeatureTransform, WindowOptions, WindowTransform } from './preprocessing.ts';
import {
  emptySteps,
  encodeWindows,
  forecastOffsets,
  interpolate,
  isRelative,
  lastValues,
  type Steps,
  stepReader,
  unscaled,
  type WindowedPreprocessing,
} from './window.ts';

export interface LearnWindowsRequest extends Omit<LearnRequest, 'trainRows' | 'task'> {
  readonly window: WindowOptions;
  /** Windows to learn from, by their place in the order. */
  readonly trainWindows: Int32Array;
}

/** The windows of a table, ready to be encoded, and what was learned from some of them. */
export interface LearnedWindows {
  readonly preprocessing: WindowedPreprocessing;
  /** Encodes windows to features `(windows, history × width)` and standardised targets `(windows, horizon × targets)`. */
  readonly encode: (windows: Int32Array) => { readonly features: Float32Array; readonly targets: Float32Array };
  /** The values to forecast in the columns' units, `(windows, horizon × targets)`, even where targets are changes. */
  readonly levels: (windows: Int32Array) => Float64Array;
  /** Root mean square error over some windows of saying that nothing changes, in the columns' units. */
  readonly lastValueError: (windows: Int32Array) => number;
  /** Rows of the table that a window sees, oldest first. */
  readonly rowsOf: (window: number) => Int32Array;
}

/** Orders the rows and learns from the training windows. The rows are held, once each. */
export function learnWindows(request: LearnWindowsRequest): LearnedWindows {
  const { table, window, trainWindows, targets } = request;
  const { history, stride } = window;
  const order = rowOrder(table, window.order_by);
  const firstsOf = (windows: Int32Array): Int32Array => windows.map((place) => place * stride);
  const trainFirsts = firstsOf(trainWindows);
  const rowFeatures = learnRows(request, order, trainFirsts);
  const described: WindowTransform = {
    history,
    horizon: window.horizon,
    stride,
    order_by: window.order_by,
    relative: window.relative,
    targets,
  };
  const steps = readSteps(rowFeatures, table, order);
  const features = rowFeatures.map((feature) => relativeStatistics(feature, described, { steps, trainFirsts }));
  const unlearned: WindowedPreprocessing = { features, target: { kind: 'numbers', columns: [] }, window: described };
  const changes = targetChanges(unlearned, steps, trainFirsts);
  const places = trainWindows.map((_, place) => place);
  const columns = targetNames(targets, window.horizon).map((name, output, { length }) => {
    const statistics = columnStatistics((place) => changes[place * length + output] ?? Number.NaN, places);
    return { name, mean: statistics.mean, std: statistics.std };
  });
  const preprocessing: WindowedPreprocessing = { ...unlearned, target: { kind: 'numbers', columns } };
  return {
    preprocessing,
    encode: (windows) => {
      const firsts = firstsOf(windows);
      const targetsOf = (change: number, place: number): number => {
        const { mean, std } = columns[place % columns.length] ?? { mean: 0, std: 1 };
        return (change - mean) / std;
      };
      return {
        features: encodeWindows(preprocessing, steps, firsts),
        targets: Float32Array.from(targetChanges(unlearned, steps, firsts), targetsOf),
      };
    },
    levels: (windows) => targetLevels(preprocessing, steps, firstsOf(windows)),
    lastValueError: (windows) => lastValueError(preprocessing, steps, firstsOf(windows)),
    rowsOf: (place) => order.subarray(place * stride, place * stride + history),
  };
}

/** Names of the outputs: the columns themselves one step ahead, else with their step: `ppm+1`, `ppm+2`. */
function targetNames(targets: readonly string[], horizon: number): string[] {
  if (horizon === 1) return [...targets];
  return Array.from({ length: horizon }, (_, step) => targets.map((name) => `${name}+${step + 1}`)).flat();
}

/** Rows from the smallest to the largest value of a column; rows of equal value stay in the order of the file. */
function rowOrder(table: Table, orderBy: string | null): Int32Array {
  const rows = Int32Array.from({ length: table.rows }, (_, row) => row);
  if (orderBy === null) return rows;
  const column = findColumn(table, orderBy);
  if (column === undefined) throw new Error(`the table has no column "${orderBy}"`);
  const cell = cellReader(column);
  return rows.sort((a, b) => cell(a) - cell(b) || a - b);
}

/** What is learned of single rows: all rows that training windows see. */
function learnRows(
  { table, schema, features, window }: LearnWindowsRequest,
  order: Int32Array,
  trainFirsts: Int32Array,
): FeatureTransform[] {
  const end = (trainFirsts.at(-1) ?? 0) + window.history;
  const rows = order.slice(trainFirsts[0] ?? 0, end);
  let position = 0;
  return features.map((name) => {
    const { column, described } = lookUp(table, schema, name);
    const fills = window.interpolate && described.missing === 'error' && (described.type === 'number' || described.type === 'integer');
    const transform = learnFeature(column, fills ? { ...described, missing: 'interpolate' } : described, rows, position);
    position += transform.width;
    return transform;
  });
}

function readSteps(features: readonly FeatureTransform[], table: Table, order: Int32Array): Steps {
  const row = unscaled({ features, target: { kind: 'numbers', columns: [] } });
  const steps = emptySteps(row, order.length);
  encodeRows(row, { table, rows: order, encoded: steps.values });
  for (const { name, missing, position } of features) {
    if (missing !== 'interpolate' || interpolate(steps, position)) continue;
    const detail = `Column "${name}" has no value at all.`;
    throw new AppError('dataset_invalid', { detail, errors: [{ column: name, code: 'missing_value', detail }] });
  }
  return steps;
}

/** A feature with the statistics of what the network will see of it: changes, where it is told by its changes. */
function relativeStatistics(
  feature: FeatureTransform,
  window: WindowTransform,
  { steps, trainFirsts }: { steps: Steps; trainFirsts: Int32Array },
): FeatureTransform {
  if (!isRelative(feature, window.relative)) return feature;
  const read = stepReader(steps, feature, window);
  const cells = Int32Array.from({ length: trainFirsts.length * window.history }, (_, cell) => cell);
  const { mean, std, min, max } = columnStatistics(
    (cell) => read(trainFirsts[Math.floor(cell / window.history)] ?? 0, cell % window.history),
    cells,
  );
  return { ...feature, mean, std, min, max };
}

/** Values to forecast, against the newest known ones if so asked: `(windows, horizon × targets)`. */
function targetChanges(preprocessing: WindowedPreprocessing, { values, width }: Steps, firsts: Int32Array): Float64Array {
  const { history, horizon, targets } = preprocessing.window;
  const positions = targets.map((name) => preprocessing.features.find((feature) => feature.name === name)?.position ?? 0);
  const offsets = forecastOffsets(preprocessing, { values, width }, firsts);
  const outputs = horizon * targets.length;
  return Float64Array.from({ length: firsts.length * outputs }, (_, place) => {
    const output = place % outputs;
    const row = (firsts[Math.floor(place / outputs)] ?? 0) + history + Math.floor(output / targets.length);
    return (values[row * width + (positions[output % targets.length] ?? 0)] ?? Number.NaN) - (offsets?.[place] ?? 0);
  });
}

/** Values to forecast as they are. */
function targetLevels({ window, ...preprocessing }: WindowedPreprocessing, steps: Steps, firsts: Int32Array): Float64Array {
  return targetChanges({ ...preprocessing, window: { ...window, relative: 'none' } }, steps, firsts);
}

function lastValueError(preprocessing: WindowedPreprocessing, steps: Steps, firsts: Int32Array): number {
  const { horizon, targets } = preprocessing.window;
  const last = lastValues(preprocessing, steps, firsts);
  const outputs = horizon * targets.length;
  let squares = 0;
  for (const [place, value] of targetLevels(preprocessing, steps, firsts).entries()) {
    squares += (value - (last[Math.floor(place / outputs) * targets.length + (place % targets.length)] ?? Number.NaN)) ** 2;
  }
  return Math.sqrt(squares / (firsts.length * outputs));
}
