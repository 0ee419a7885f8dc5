import type { ColumnSchema, Encoding, MissingPolicy, UnknownPolicy } from '../datasets/table.ts';

/**
 * What was learned from the training rows and travels with the weights: enough to encode a row for the network and to
 * decode its output. The same functions run in the trainer and behind `predict`.
 */
export interface Preprocessing {
  readonly features: readonly FeatureTransform[];
  readonly target: TargetTransform;
  /** For a network with several outputs: what each of them means, in order. `target` is that of the first. */
  readonly outputs?: readonly OutputTransform[];
  /** For a forecast: the features are those of one step of a window. */
  readonly window?: WindowTransform;
}

/** One feature column, in feature order. Absent values are null, as in the API. */
export interface FeatureTransform {
  readonly name: string;
  readonly type: ColumnSchema['type'];
  readonly encode: Encoding;
  readonly mean: number | null;
  readonly std: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Sorted; they keep the JSON type of the column. */
  readonly categories: readonly Label[] | null;
  readonly missing: MissingPolicy;
  /** What a missing value becomes; null when `missing` is `error`. */
  readonly fill: Label | null;
  readonly unknown: UnknownPolicy;
  /** What an unknown category becomes when `unknown` is `mode`: the most frequent one. */
  readonly mode: Label | null;
  /** First place of this column in the encoded row, and how many places it takes. */
  readonly position: number;
  readonly width: number;
}

/** The JSON type of a label in its column. */
export type Label = string | number | boolean;

export type TargetTransform =
  | { readonly kind: 'classes'; readonly column: string; readonly labels: readonly Label[] }
  | { readonly kind: 'numbers'; readonly columns: readonly { readonly name: string; readonly mean: number; readonly std: number }[] };

/** What an output of several means. */
export interface OutputTransform {
  /** As the network calls it. */
  readonly name: string;
  readonly target: TargetTransform;
}

/** What the values of a window are told against: nothing, the newest one of the window, or each the one before it. */
export const RELATIVE = ['none', 'last', 'difference'] as const;
export type Relative = (typeof RELATIVE)[number];

/** How ordered rows become windows. */
export interface WindowShape {
  /** Rows the network sees. */
  readonly history: number;
  /** Rows after them that it predicts. */
  readonly horizon: number;
  /** Rows from one window to the next. */
  readonly stride: number;
}

/** The windows of a model that forecasts, as they travel with its weights. */
export interface WindowTransform extends WindowShape {
  /** The column that orders the rows; null for the order of the file. */
  readonly order_by: string | null;
  readonly relative: Relative;
  /** The columns that are forecast; they are features as well. */
  readonly targets: readonly string[];
}

/** How a job turns rows into windows. */
export interface WindowOptions extends WindowShape, Pick<WindowTransform, 'order_by' | 'relative'> {
  /** Whether gaps of number columns are filled that no policy of their own covers. */
  readonly interpolate: boolean;
}

/** Width of an encoded row of the data. */
export function stepWidth({ features }: Pick<Preprocessing, 'features'>): number {
  const last = features.at(-1);
  return last === undefined ? 0 : last.position + last.width;
}

/** Numbers the network takes: an encoded row, or a window of them. */
export function featureWidth(preprocessing: Preprocessing): number {
  return stepWidth(preprocessing) * (preprocessing.window?.history ?? 1);
}
