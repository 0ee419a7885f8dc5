import {
  type FeatureTransform,
  type Preprocessing,
  type Relative,
  stepWidth,
  type WindowShape,
  type WindowTransform,
} from './preprocessing.ts';
import { scaling } from './scaling.ts';

/** How many windows so many rows give. */
export function windowCount(rows: number, { history, horizon, stride }: WindowShape): number {
  return Math.max(0, Math.floor((rows - history - horizon) / stride) + 1);
}

/** How many windows before one forecast rows that it forecasts too. */
export function sharedWindows({ horizon, stride }: WindowShape): number {
  return Math.ceil(horizon / stride) - 1;
}

/** Whether a feature is told relative to others of its column: numbers that are scaled are, codes and flags are not. */
export function isRelative({ type, encode }: FeatureTransform, relative: Relative): boolean {
  return relative !== 'none' && (type === 'number' || type === 'integer') && encode !== 'none';
}

/** Rows of encoded features in their order, quantities still as they were in the data: `(rows, width)`, row-major. */
export interface Steps {
  readonly values: Float64Array;
  readonly width: number;
}

/** Reads the cell of a step of a window, relative as asked; a difference has none at the first step. */
export function stepReader({ values, width }: Steps, feature: FeatureTransform, window: WindowTransform) {
  const { history, relative } = window;
  const at = (row: number): number => values[row * width + feature.position] ?? Number.NaN;
  if (!isRelative(feature, relative)) return (first: number, step: number): number => at(first + step);
  if (relative === 'last') return (first: number, step: number): number => at(first + step) - at(first + history - 1);
  return (first: number, step: number): number => (step === 0 ? Number.NaN : at(first + step) - at(first + step - 1));
}

/** Encodes the windows that begin at these steps to `(windows, history × width)`. */
export function encodeWindows({ features, window }: WindowedPreprocessing, steps: Steps, firsts: Int32Array): Float32Array {
  const { history } = window;
  const { width } = steps;
  const encoded = new Float32Array(firsts.length * history * width);
  for (const feature of features) {
    const write = stepWriter(feature, { window, steps, encoded });
    for (const [place, first] of firsts.entries()) {
      for (let step = 0; step < history; step++) write(first, step, (place * history + step) * width + feature.position);
    }
  }
  return encoded;
}

/** Writes a feature of one step of the window that begins at `first`, scaled. */
function stepWriter(
  feature: FeatureTransform,
  { window, steps, encoded }: { window: WindowTransform; steps: Steps; encoded: Float32Array },
): (first: number, step: number, at: number) => void {
  if (feature.categories !== null) {
    return (first, step, at) => {
      const from = (first + step) * steps.width + feature.position;
      encoded.set(steps.values.subarray(from, from + feature.width), at);
    };
  }
  const { offset, scale } = scaling(feature);
  const read = stepReader(steps, feature, window);
  return (first, step, at) => {
    const value = read(first, step);
    // The first step has nothing before it to differ from. It says nothing, which is what zero says once scaled.
    encoded[at] = Number.isNaN(value) ? 0 : (value - offset) / scale;
  };
}

/** The newest values of the forecast columns in each window, `(windows, targets)`. */
export function lastValues({ features, window }: WindowedPreprocessing, { values, width }: Steps, firsts: Int32Array): Float64Array {
  const positions = window.targets.map((name) => positionOf(features, name));
  const last = new Float64Array(firsts.length * positions.length);
  for (const [place, first] of firsts.entries()) {
    for (const [k, position] of positions.entries()) {
      last[place * positions.length + k] = values[(first + window.history - 1) * width + position] ?? Number.NaN;
    }
  }
  return last;
}

/** What each output of each window is told against, `(windows, horizon × targets)`; undefined where it stands for itself. */
export function forecastOffsets(preprocessing: WindowedPreprocessing, steps: Steps, firsts: Int32Array): Float64Array | undefined {
  const { relative, horizon, targets } = preprocessing.window;
  if (relative === 'none') return undefined;
  const last = lastValues(preprocessing, steps, firsts);
  const outputs = horizon * targets.length;
  return Float64Array.from({ length: firsts.length * outputs }, (_, place) => {
    return last[Math.floor(place / outputs) * targets.length + (place % targets.length)] ?? Number.NaN;
  });
}

/**
 * Fills gaps of a column by the straight line between their neighbours, at the ends by the nearest value. False when the
 * column has no value at all.
 */
export function interpolate({ values, width }: Steps, position: number): boolean {
  const rows = Int32Array.from({ length: Math.floor(values.length / width) }, (_, row) => row);
  const at = (row: number): number => values[row * width + position] ?? Number.NaN;
  const known = rows.filter((row) => !Number.isNaN(at(row)));
  const newest = known.at(-1);
  if (newest === undefined) return false;
  let next = 0;
  for (const row of rows) {
    if (!Number.isNaN(at(row))) continue;
    while ((known[next] ?? row) < row) next++;
    const right = known[next] ?? newest;
    const left = known[next - 1] ?? right;
    const share = right > left ? (row - left) / (right - left) : 0;
    values[row * width + position] = at(left) + (at(right) - at(left)) * share;
  }
  return true;
}

/** The preprocessing of a model that forecasts. */
export type WindowedPreprocessing = Preprocessing & { readonly window: WindowTransform };

/** Whether a preprocessing is one of windows. */
export function isWindowed(preprocessing: Preprocessing): preprocessing is WindowedPreprocessing {
  return preprocessing.window !== undefined;
}

/** The features as the steps keep them: everything but scaling, which comes after values were told against each other. */
export function unscaled({ features, target }: Preprocessing): Preprocessing {
  return { features: features.map((feature) => (feature.categories === null ? { ...feature, encode: 'none' } : feature)), target };
}

/** An empty sheet of steps for the features. */
export function emptySteps(preprocessing: Preprocessing, rows: number): Steps {
  const width = stepWidth(preprocessing);
  return { values: new Float64Array(rows * width), width };
}

function positionOf(features: readonly FeatureTransform[], name: string): number {
  const feature = features.find((candidate) => candidate.name === name);
  if (feature === undefined) throw new Error(`the forecast column "${name}" is no feature`);
  return feature.position;
}
