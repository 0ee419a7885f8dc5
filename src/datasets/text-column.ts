import { DISTINCT_MAX, type TextColumn } from './table.ts';

/** Fewer distinct texts than this make a category however few rows there are. */
const CATEGORIES_FEW = 20;
/** A longer text is prose, not the name of a category. */
const CATEGORY_CHARS_MAX = 256;

/** Texts as codes into a dictionary, in order of appearance. */
export interface DictionaryBuilder {
  readonly codes: Int32Array;
  readonly dictionary: readonly string[];
  set(row: number, text: string): void;
}

/** Every row is missing until it is set. `initial` entries are in the dictionary whether they occur or not. */
export function createDictionary(rows: number, initial: readonly string[] = []): DictionaryBuilder {
  const codes = new Int32Array(rows).fill(-1);
  const dictionary = [...initial];
  const codeOf = new Map(dictionary.map((text, code) => [text, code]));
  return {
    codes,
    dictionary,
    set: (row, text) => {
      let code = codeOf.get(text);
      if (code === undefined) {
        code = dictionary.push(text) - 1;
        codeOf.set(text, code);
      }
      codes[row] = code;
    },
  };
}

/** Whether texts repeat enough to be the names of categories. */
export function looksLikeCategory({ dictionary, codes }: DictionaryBuilder): boolean {
  const present = codes.reduce((count, code) => count + (code < 0 ? 0 : 1), 0);
  const few = dictionary.length <= Math.max(CATEGORIES_FEW, Math.min(DISTINCT_MAX, present / 2));
  return dictionary.length > 0 && few && dictionary.every((text) => text.length <= CATEGORY_CHARS_MAX);
}

/** A category column: its dictionary sorted, as numbers when the labels are numbers, and code k naming category k. */
export function categoryColumn(name: string, { dictionary, codes }: DictionaryBuilder, numeric: boolean): TextColumn {
  const order = dictionary.map((_, code) => code);
  const text = (code: number) => dictionary[code] ?? '';
  order.sort(numeric ? (a, b) => Number(text(a)) - Number(text(b)) : (a, b) => (text(a) < text(b) ? -1 : 1));
  const place = new Int32Array(order.length);
  order.forEach((code, sorted) => {
    place[code] = sorted;
  });
  return { name, type: 'category', dictionary: order.map(text), codes: codes.map((code) => (code < 0 ? -1 : (place[code] ?? -1))) };
}
