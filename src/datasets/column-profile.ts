import { type CellKind, classifyCell } from './cell-syntax.ts';
import type { Column } from './table.ts';

/** Counts of what the cells of one column look like: all that its type is inferred from. */
export type ColumnProfile = Record<CellKind, number>;

/** `category` stands for category or text here: which of the two shows once the distinct values are known. */
export type InferredType = Exclude<Column['type'], 'text'>;

export function createProfile(): ColumnProfile {
  return { missing: 0, integer: 0, number: 0, number_code: 0, number_lookalike: 0, boolean: 0, datetime: 0, text: 0 };
}

export function observeCell(profile: ColumnProfile, cell: string): void {
  profile[classifyCell(cell)] += 1;
}

/** Share of other cells up to which a column of numbers is one with faults rather than one of text. */
const OTHERS_SHARE_MAX = 0.1;
/** In short files a few bad cells are a large share. */
const OTHERS_FEW = 2;

/**
 * The type of a column. A column of numbers stays one when up to a tenth of its cells (or two, while numbers are not
 * outnumbered) are something else: those cells are faults. Spellings such as `NaN`, `NULL` or `1,5` speak for numbers.
 * A single code such as `001` makes the whole column text, because reading it as a number would lose the zeros.
 */
export function inferType(profile: ColumnProfile): InferredType {
  const present = presentCells(profile);
  if (present === 0) return 'category';
  if (profile.boolean === present) return 'boolean';
  if (profile.datetime === present) return 'datetime';
  if (!isNumeric(profile, present)) return 'category';
  return profile.number === 0 ? 'integer' : 'number';
}

function isNumeric(profile: ColumnProfile, present: number): boolean {
  if (profile.number_code > 0) return false;
  const numbers = profile.integer + profile.number;
  const lookalikes = profile.number_lookalike;
  const others = present - numbers - lookalikes;
  const fewOthers = others <= present * OTHERS_SHARE_MAX || (others <= OTHERS_FEW && numbers >= others);
  return numbers > 0 && fewOthers;
}

function presentCells(profile: ColumnProfile): number {
  return Object.values(profile).reduce((sum, count) => sum + count, 0) - profile.missing;
}
