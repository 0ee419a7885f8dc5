import fc from 'fast-check';

/** Values that stand where others are expected. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  '',
  '0',
  'NaN',
  0,
  -0,
  -1,
  0.5,
  1e308,
  5e-324,
  2 ** 53,
  -(2 ** 53),
  2 ** 31,
  [],
  {},
  [[]],
  [null],
  { type: null },
  'constructor',
  '__proto__ ',
  'x'.repeat(300),
  '\u202e\u200b',
  '\ud83d\ude00',
  [1e308, 1e308],
  { 0: 1, length: 1 },
  Array(200).fill(0),
];

type Change = (value: unknown) => unknown;

/** One to three changes at random places of a good document. */
export function mutated(document: unknown): fc.Arbitrary<unknown> {
  const change = fc.record({ place: fc.nat(), change: anyChange() });
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce((value, { place, change }) => changedAt(value, place, change), document));
}

function anyChange(): fc.Arbitrary<Change> {
  return fc.oneof(
    fc.constantFrom(...STRANGE).map(
      (value): Change =>
        () =>
          value,
    ),
    fc.jsonValue({ maxDepth: 3 }).map(
      (value): Change =>
        () =>
          value,
    ),
    fc.integer({ min: 1, max: 30 }).map(
      (depth): Change =>
        (value) =>
          nested(value, depth),
    ),
    fc.string({ maxLength: 12 }).map(
      (key): Change =>
        (value) =>
          isObject(value) ? { ...value, [`k${key}`]: 1 } : [value, key],
    ),
    fc.constant<Change>((value) => (Array.isArray(value) ? [...value, ...value] : [value, value])),
    fc.constant<Change>((value) => (isObject(value) ? Object.fromEntries(Object.entries(value).slice(1)) : undefined)),
    fc.constant<Change>((value) =>
      isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, entry]) => [`${key}s`, entry])) : String(value),
    ),
    fc.double().map(
      (factor): Change =>
        (value) =>
          typeof value === 'number' ? value * factor : value,
    ),
  );
}

function nested(value: unknown, depth: number): unknown {
  return depth === 0 ? value : { a: nested(value, depth - 1) };
}

/** The document with the value at one of its places, counted depth first, changed. */
function changedAt(document: unknown, place: number, change: Change): unknown {
  const places = placesOf(document);
  return changedBelow(document, places[place % places.length] ?? [], change);
}

function placesOf(value: unknown): (readonly string[])[] {
  const below = value !== null && typeof value === 'object' ? Object.entries(value).slice(0, 50) : [];
  return [[], ...below.flatMap(([key, entry]) => placesOf(entry).map((path) => [key, ...path]))];
}

function changedBelow(value: unknown, [key, ...rest]: readonly string[], change: Change): unknown {
  if (key === undefined) return change(value);
  if (Array.isArray(value)) return value.with(Number(key), changedBelow(value[Number(key)], rest, change));
  return { ...Object(value), [key]: changedBelow(Object(value)[key], rest, change) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

const CELLS = [
  '',
  '1',
  '-0',
  '1e309',
  '"',
  '""',
  '"a',
  'a"b',
  '"x\ny"',
  ',',
  ';',
  '\t',
  '\0',
  '\u00e9',
  '=1+1',
  'true',
  '2026-02-30',
  '\ufeff',
  'x'.repeat(70_000),
  ' 1 ',
];
const LINE_ENDS = ['\n', '\r\n', '\r', '', '\n\n', '\u2028'];

/** Files that are CSV but for what goes wrong in CSV: quotes, delimiters, line ends, lengths, encodings. */
export function mutatedCsv(): fc.Arbitrary<Buffer> {
  const cell = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('1', '2.5', 'a', 'b') },
    { weight: 1, arbitrary: fc.constantFrom(...CELLS) },
    { weight: 1, arbitrary: fc.string() },
  );
  const line = fc.record({
    cells: fc.array(cell, { minLength: 1, maxLength: 4 }),
    end: fc.oneof({ weight: 5, arbitrary: fc.constant('\n') }, { weight: 1, arbitrary: fc.constantFrom(...LINE_ENDS) }),
  });
  const delimiter = fc.constantFrom(',', ',', ',', ';', '\t', '|');
  const encoding = fc.constantFrom('utf8', 'utf8', 'utf8', 'latin1', 'utf16le');
  return fc
    .record({
      header: fc.constantFrom('a,b', 'a', 'a,b,c', 'a,a', '', '"a","b"', 'constructor,toString'),
      lines: fc.array(line, { maxLength: 12 }),
      delimiter,
      encoding,
    })
    .map(({ header, lines, delimiter, encoding }) =>
      Buffer.from(`${header}\n${lines.map(({ cells, end }) => cells.join(delimiter) + end).join('')}`, encoding as BufferEncoding),
    );
}

/** The bytes of a form with one stretch cut out, doubled or overwritten. */
export function damaged(bytes: Buffer): fc.Arbitrary<Buffer> {
  return fc
    .record({
      at: fc.nat(bytes.length - 1),
      length: fc.integer({ min: 1, max: 40 }),
      by: fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 40 })),
      cut: fc.boolean(),
    })
    .map(({ at, length, by, cut }) =>
      cut
        ? bytes.subarray(0, at)
        : Buffer.concat([bytes.subarray(0, at), by ?? bytes.subarray(at, at + length), bytes.subarray(by === null ? at : at + length)]),
    );
}
