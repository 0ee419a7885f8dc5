import { MAGNITUDE_MAX } from './cell-syntax.ts';

/** Longer lists are data of another kind: their padded rows would not fit in memory. */
export const SEQUENCE_LENGTH_MAX = 10_000;

/** Whether a value is a list of numbers that can be a cell of a `sequence` column. */
export function isSequence(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= SEQUENCE_LENGTH_MAX && value.every(isUsable);
}

function isUsable(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= MAGNITUDE_MAX;
}

/** The list a text spells as JSON, or null. */
export function parseSequence(text: string): readonly number[] | null {
  if (!text.trimStart().startsWith('[')) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isSequence(value) ? value : null;
  } catch {
    return null;
  }
}

/** Numbers of the longest of these lists, which are kept as JSON text. */
export function longestSequence(dictionary: readonly string[]): number {
  return dictionary.reduce((longest, text) => Math.max(longest, parseSequence(text)?.length ?? 0), 0);
}
