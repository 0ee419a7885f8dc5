import type { ColumnSchema, Encoding, MissingPolicy, UnknownPolicy } from '../datasets/table.ts';

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

/** Width of an encoded row. */
export function featureWidth(preprocessing: Preprocessing): number {
  const last = preprocessing.features.at(-1);
  return last === undefined ? 0 : last.position + last.width;
}
