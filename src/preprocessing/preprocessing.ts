/**
 * What was learned from the training rows and travels with the weights: enough to encode a row for the network and to
 * decode its output. The same functions run in the trainer and behind `predict`.
 */
export interface Preprocessing {
  readonly features: readonly FeatureTransform[];
  readonly target: TargetTransform;
}

/** One feature column, in feature order. Absent values are null, as in the API. */
export interface FeatureTransform {
  readonly name: string;
  readonly type: 'number' | 'integer' | 'category' | 'boolean' | 'datetime' | 'text';
  readonly encode: 'standardize' | 'minmax' | 'one_hot' | 'index' | 'none';
  readonly mean: number | null;
  readonly std: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly categories: readonly string[] | null;
  readonly missing: 'error' | 'mean' | 'median' | 'mode' | 'constant';
  /** What a missing value becomes; null when `missing` is `error`. */
  readonly fill: number | string | null;
  readonly unknown: 'error' | 'bucket' | 'mode';
  /** First place of this column in the encoded row, and how many places it takes. */
  readonly position: number;
  readonly width: number;
}

/** The JSON type of a label in its column. */
export type Label = string | number | boolean;

export type TargetTransform =
  | { readonly kind: 'classes'; readonly column: string; readonly labels: readonly Label[] }
  | { readonly kind: 'numbers'; readonly columns: readonly { readonly name: string; readonly mean: number; readonly std: number }[] };
