// What the text of a CSV cell can be. Strict on purpose: what Number() or Date.parse() would make of a text is not asked,
// because both accept more than people mean (`0x1F`, `Infinity`, an empty text as 0, `1` as a date).

export type CellKind = 'missing' | 'integer' | 'number' | 'number_code' | 'number_lookalike' | 'boolean' | 'datetime' | 'text';

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const WHOLE = /^[+-]?\d+$/;
const LEADING_ZERO = /^[+-]?0\d/;
const BOOLEAN = /^(?:true|false)$/i;
/** Spellings that other tools write where a number should be: no number, but a sign that the column is one of numbers. */
const LOOKALIKE = /^(?:[+-]?(?:nan|inf|infinity)|[+-]?0x[\da-f]+|[+-]?\d{1,3}(?:[ .]?\d{3})*,\d+|n\/?a|null|none)$/i;
const DATETIME = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](\d\d):(\d\d)))?$/;

/**
 * Larger magnitudes are refused: their squares, summed over a dataset, would overflow a double and turn the statistics
 * of the column into infinities.
 */
export const MAGNITUDE_MAX = 1e150;

/** What a cell looks like, without knowing its column. */
export function classifyCell(cell: string): CellKind {
  if (cell === '') return 'missing';
  const text = cell.trim();
  if (DECIMAL.test(text)) return classifyDecimal(text);
  if (BOOLEAN.test(text)) return 'boolean';
  if (LOOKALIKE.test(text)) return 'number_lookalike';
  return parseDatetime(cell) === null ? 'text' : 'datetime';
}

/** Digits that are an identifier rather than a quantity: `001`, or a whole number no double can hold exactly. */
function classifyDecimal(text: string): CellKind {
  if (LEADING_ZERO.test(text)) return 'number_code';
  const value = Number(text);
  if (!Number.isFinite(value)) return 'number_lookalike';
  if (!WHOLE.test(text)) return 'number';
  return Number.isSafeInteger(value) ? 'integer' : 'number_code';
}

/** The number a cell spells, or null. Spaces around it are allowed. */
export function parseNumber(cell: string): number | null {
  const text = cell.trim();
  if (!DECIMAL.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** `true` or `false` in any case, or null. */
export function parseBoolean(cell: string): boolean | null {
  const text = cell.trim();
  return BOOLEAN.test(text) ? text.toLowerCase() === 'true' : null;
}

/** Milliseconds since 1970 of an RFC 3339 time or a plain date (midnight UTC), or null; days that do not exist are null. */
export function parseDatetime(text: string): number | null {
  const match = DATETIME.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second, offsetHour, offsetMinute] = match.slice(1).map((part) => Number(part ?? 0));
  if (beyond(hour, 23) || beyond(minute, 59) || beyond(second, 59) || beyond(offsetHour, 23) || beyond(offsetMinute, 59)) return null;
  const date = new Date(0);
  date.setUTCFullYear(year ?? 0, (month ?? 0) - 1, day);
  if (date.getUTCMonth() + 1 !== month || date.getUTCDate() !== day) return null;
  return Date.parse(text.replace(' ', 'T').toUpperCase());
}

function beyond(part: number | undefined, max: number): boolean {
  return part !== undefined && part > max;
}

/** Whether a text is exactly how JSON would write a number, so that the text can be had back from the number. */
export function isCanonicalNumber(text: string): boolean {
  const value = Number(text);
  return text !== '' && Number.isFinite(value) && String(value) === text && (!Number.isInteger(value) || Number.isSafeInteger(value));
}
