import { datetimeSeconds } from './column-cells.ts';
import type { FeatureTransform, Label } from './preprocessing.ts';
import { scaling } from './scaling.ts';

/** A category the model does not know. Place -1 of its list, which no known category has. */
export const UNKNOWN_CATEGORY = -1;

/**
 * Writes one cell into an encoded row that is all zero, and says whether it could. The cell is a number as `cellReader`
 * gives it: the trainer and `predict` both end here, so that the same value always gets the same bits.
 */
export type CellEncoder = (cell: number, out: Float32Array | Float64Array, at: number) => boolean;

export function createCellEncoder(transform: FeatureTransform): CellEncoder {
  return transform.categories === null ? quantityEncoder(transform) : categoryEncoder(transform, transform.categories);
}

function quantityEncoder(transform: FeatureTransform): CellEncoder {
  const { offset, scale } = scaling(transform);
  const fill = transform.fill === null ? Number.NaN : quantity(transform.fill);
  return (cell, out, at) => {
    const encoded = ((Number.isNaN(cell) ? fill : cell) - offset) / scale;
    out[at] = encoded;
    // Gaps of windows are filled once their neighbours are known.
    return Number.isFinite(Math.fround(encoded)) || (Number.isNaN(cell) && transform.missing === 'interpolate');
  };
}

function quantity(value: Label): number {
  return typeof value === 'number' ? value : datetimeSeconds(String(value));
}

function categoryEncoder(transform: FeatureTransform, categories: readonly Label[]): CellEncoder {
  const fill = transform.fill === null ? Number.NaN : categories.indexOf(transform.fill);
  const unknown = unknownPlace(transform, categories);
  const oneHot = transform.encode === 'one_hot';
  return (cell, out, at) => {
    const given = Number.isNaN(cell) ? fill : cell;
    const place = given === UNKNOWN_CATEGORY ? unknown : given;
    if (Number.isNaN(place)) return false;
    if (oneHot) out[at + place] = 1;
    else out[at] = place;
    return true;
  };
}

/** Where an unknown category goes; NaN where it is refused. */
function unknownPlace({ unknown, mode }: FeatureTransform, categories: readonly Label[]): number {
  switch (unknown) {
    case 'error':
      return Number.NaN;
    case 'bucket':
      return categories.length;
    case 'mode':
      return mode === null ? Number.NaN : categories.indexOf(mode);
    default:
      return unknown satisfies never;
  }
}
