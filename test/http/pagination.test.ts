import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { decodeCursor, encodeCursor, type ListKind, page } from '../../src/http/pagination.ts';

const NUMBERS: ListKind = { name: 'numbers', position: /^\d{1,6}$/ };
const all = Array.from({ length: 23 }, (_, i) => i + 1);

function read(limit: number, cursor?: string) {
  const after = Number(decodeCursor(NUMBERS, cursor) ?? 0);
  const rows = all.filter((n) => n > after).slice(0, limit + 1);
  return page(NUMBERS, rows, limit, { positionOf: String, view: (n) => n });
}

describe('a list read page by page', () => {
  test.each([1, 5, 22, 23, 24])('with a limit of %i holds every row once', (limit) => {
    const seen: number[] = [];
    let cursor: string | undefined;
    for (;;) {
      const { data, has_more, next_cursor } = read(limit, cursor);
      seen.push(...data);
      expect(has_more).toBe(next_cursor !== null);
      if (next_cursor === null) break;
      cursor = next_cursor;
    }
    expect(seen).toEqual(all);
  });

  test.each([
    ['random text', 'abc'],
    ['random bytes', Buffer.from([0, 255, 1]).toString('base64url')],
    ['the cursor of another list', encodeCursor({ ...NUMBERS, name: 'letters' }, '3')],
    ['a position the list cannot have', encodeCursor(NUMBERS, "1'; DROP TABLE job")],
    ['an empty text', ''],
  ])('refuses %s as a cursor', (_, cursor) => {
    expect(() => read(5, cursor)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
    expect(() => read(5, cursor)).toThrow(AppError);
  });
});
