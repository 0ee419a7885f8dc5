import Type from 'typebox';
import { AppError } from '../errors.ts';
import { StrictObject } from './schemas.ts';

/** Which list a cursor belongs to, and what a position in it looks like (the id of a row, the number of an epoch). */
export interface ListKind {
  readonly name: string;
  readonly position: RegExp;
}

export interface Page<Item> {
  readonly data: readonly Item[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

const SHORT = { fallback: 20, max: 100 };
/** Epochs and events: one row is small, and a chart wants all of them. */
const LONG = { fallback: 200, max: 1000 };

/** `limit` and `cursor` of every list, as properties to stand beside a list's own filters. */
export function pagingProperties({ fallback, max } = SHORT) {
  return {
    limit: Type.Integer({ minimum: 1, maximum: max, default: fallback, description: 'How many at most.' }),
    cursor: Type.Optional(Type.String({ maxLength: 200, description: '`next_cursor` of the page before.' })),
  };
}

/** The query of a list without filters. */
export const listQuery = StrictObject(pagingProperties());

/** The query of a list of epochs or events. */
export const longListQuery = StrictObject(pagingProperties(LONG));

/**
 * The page made of `rows`, which were read with `limit + 1`: one row more than asked for says that there are more.
 * `positionOf` gives what the next page is to start after.
 */
export function page<Row, Item>(
  list: ListKind,
  rows: readonly Row[],
  limit: number,
  { positionOf, view }: { positionOf: (row: Row) => string; view: (row: Row) => Item },
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { data: shown.map(view), has_more: hasMore, next_cursor: hasMore ? encodeCursor(list, positionOf(last)) : null };
}

/** An opaque text that stands for a position in this list and in no other. */
export function encodeCursor(list: ListKind, position: string): string {
  return Buffer.from(JSON.stringify([list.name, position])).toString('base64url');
}

/** The position a cursor stands for, or null without a cursor. */
export function decodeCursor(list: ListKind, cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const position = readCursor(list, cursor);
  if (position === null)
    throw new AppError('invalid_cursor', { detail: 'Use the `next_cursor` of an earlier page of this very list, unchanged.' });
  return position;
}

function readCursor(list: ListKind, cursor: string): string | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (!Array.isArray(parts) || parts.length !== 2) return null;
    const [name, position]: unknown[] = parts;
    return name === list.name && typeof position === 'string' && list.position.test(position) ? position : null;
  } catch {
    return null; // not JSON: no cursor of ours
  }
}
