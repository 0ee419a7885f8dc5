import type { BadRequest, Form } from './bad-request.ts';

const MANY = 20_000;
const csv = (file: string | Uint8Array, fields: Record<string, string> = {}): Form => ({ file, fields });
const NUMBERS = '[{"name":"a","type":"number"}]';

type Case = readonly [id: string, what: string, form: Form, fault: string, line?: number];

const FILES: readonly Case[] = [
  ['D01', 'an empty file', csv(''), 'no_rows'],
  ['D01', 'only a header', csv('a,b\n'), 'no_rows', 1],
  ['D01', 'only a line end', csv('\n'), 'no_rows'],
  ['D01', 'only a byte order mark', csv(Uint8Array.of(0xef, 0xbb, 0xbf)), 'no_rows'],
  ['D02', 'a row with too few cells', csv('a,b\n1,2\n3\n'), 'ragged_row', 3],
  ['D02', 'a row with too many cells', csv('a,b\n1,2\n3,4,5\n'), 'ragged_row', 3],
  ['D03', 'a quote that is never closed', csv(`a,b\n1,"${'x\n'.repeat(500_000)}`), 'cell_too_long', 2],
  ['D03', 'a short quote that is never closed', csv('a,b\n1,"x\n'), 'unclosed_quote', 2],
  ['D03', 'text behind a quote', csv('a,b\n1,"x"y\n'), 'text_after_quote', 2],
  ['D04', 'a line of a megabyte', csv(`a,b\n${'1,'.repeat(500_000)}`), 'too_many_columns', 2],
  ['D04', 'a cell of a megabyte', csv(`a,b\n1,${'x'.repeat(1_000_000)}\n`), 'cell_too_long', 2],
  ['D05', 'a hundred thousand columns', csv(`${'c,'.repeat(100_000)}\n`), 'too_many_columns', 1],
  ['D05', 'two columns of one name', csv('a,a\n1,2\n'), 'duplicate_column', 1],
  ['D05', 'a column without a name', csv('a,\n1,2\n'), 'empty_column_name', 1],
  ['D05', 'a column named __proto__', csv('a,__proto__\n1,2\n'), 'reserved_column_name', 1],
  ['D05', 'a column with a name of three hundred characters', csv(`a,${'b'.repeat(300)}\n1,2\n`), 'column_name_too_long', 1],
  ...['NaN', 'inf', '-Infinity', '1e999', '0x1F', '1_000', 'NULL', 'true', '--1'].map(
    (cell): Case => ['D06', `the number ${cell}`, csv(`a\n1\n${cell}\n`, { schema: NUMBERS }), 'not_a_number', 3],
  ),
  ['D06', 'the number 1,5', csv('a\n1\n"1,5"\n', { schema: NUMBERS }), 'not_a_number', 3],
  ['D07', 'UTF-16', csv(Buffer.from('\ufeffa,b\n1,2\n', 'utf16le')), 'not_utf8'],
  ['D07', 'Latin-1', csv(Buffer.from('a,b\n1,\u00e9\n', 'latin1')), 'not_utf8', 2],
  ['D07', 'a NUL byte', csv('a,b\n1,\0\n'), 'nul_byte', 2],
  ['D09', 'numbers without a usable mean', csv('a\n1e308\n-1e308\n'), 'out_of_range', 2],
  ...['\u0089PNG\r\n\u001a\n\0\0\0\rIHDR', '\u007fELF\u0002\u0001\u0001\0', 'PK\u0003\u0004\u0014\0', '\u001f\u008b\b\0\0\0\0\0'].map(
    (bytes): Case => [
      'D28',
      `${JSON.stringify(bytes.slice(0, 4))} under the name of a CSV file`,
      csv(Buffer.from(bytes, 'latin1')),
      'unsupported_format',
    ],
  ),
  ['D05', 'a column described twice', csv('a\n1\n', { schema: '[{"name":"a"},{"name":"a"}]' }), 'duplicate_column'],
  ['D05', 'a described column that is not there', csv('a\n1\n', { schema: '[{"name":"constructor"}]' }), 'unknown_column'],
];

const refusedForm = (id: string, what: string, form: Form, expect: BadRequest['expect']): BadRequest => ({
  id,
  what,
  request: { path: '/v1/datasets', form },
  expect,
});
const invalid = { status: 422, code: 'validation_failed' };

const multipart = (body: string, boundary = 'x') => ({
  path: '/v1/datasets',
  text: body,
  headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
});
const part = (name: string, value: string) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\n1,2\n';

const FORMS: readonly BadRequest[] = [
  refusedForm('D29', 'no file', { fields: { name: 'x' } }, { ...invalid, pointer: '/file' }),
  refusedForm('D29', 'a field nobody knows', { file: 'a\n1\n', fields: { tenant: 'x' } }, { ...invalid, pointer: '/tenant' }),
  refusedForm('D29', 'a schema that is no JSON', csv('a\n1\n', { schema: '{' }), { ...invalid, pointer: '/schema' }),
  refusedForm('D29', 'a schema that is no list', csv('a\n1\n', { schema: '{"a":1}' }), { ...invalid, pointer: '/schema' }),
  refusedForm('D29', 'a schema nested without end', csv('a\n1\n', { schema: '['.repeat(100_000) }), { ...invalid, pointer: '/schema' }),
  refusedForm('D29', 'a field of a megabyte and a half', csv('a\n1\n', { name: 'x'.repeat(1_500_000) }), { ...invalid, pointer: '/name' }),
  refusedForm('D31', 'a name with a line end', csv('a\n1\n', { name: 'a\r\nSet-Cookie: x' }), { ...invalid, pointer: '/name' }),
  refusedForm('D29', 'a file beyond the limit', csv('a\n'.repeat(1_100_000)), { status: 413, code: 'payload_too_large' }),
  form('D29', 'ten thousand parts', multipart(`${part('a', 'b').repeat(10_000)}--x--`), 422, 'validation_failed'),
  form('D29', 'ten thousand names', multipart(`${part('name', 'b').repeat(10_000)}--x--`), 422, 'validation_failed'),
  form('D29', 'a field named __proto__', multipart(`${part('__proto__', 'b')}--x--`), 400, 'invalid_request'),
  form('D29', 'a field named constructor', multipart(`${part('constructor', 'b')}--x--`), 400, 'invalid_request'),
  form('D29', 'no boundary', { ...multipart(file), headers: { 'content-type': 'multipart/form-data' } }, 400, 'invalid_request'),
  form('D29', 'another boundary', multipart(`${file}\r\n--x--`, 'y'), 400, 'invalid_request'),
  form('D29', 'a boundary of ten kilobytes', multipart(file, 'y'.repeat(10_000)), 400, 'invalid_request'),
  form('D29', 'a part without an end', multipart(file), 400, 'invalid_request'),
  form('D29', 'a header without an end', multipart('--x\r\nContent-Disposition: form-data; name="file'), 400, 'invalid_request'),
  form(
    'D29',
    'a JSON field that is none',
    multipart('--x\r\nContent-Disposition: form-data; name="schema"\r\nContent-Type: application/json\r\n\r\n{\r\n--x--'),
    400,
    'invalid_request',
  ),
  form('D29', 'a form for a route without forms', { ...multipart(file), path: '/v1/models/validate' }, 415, 'unsupported_media_type'),
  form('D29', 'nothing', multipart(''), 422, 'validation_failed'),
];

const json = (id: string, what: string, body: object, pointer: string, fault: string, code = 'dataset_invalid'): BadRequest => ({
  id,
  what,
  request: { path: '/v1/datasets', json: body },
  expect: { status: 422, code, pointer, fault },
});

const DOCUMENTS: readonly BadRequest[] = [
  json('D01', 'no rows', { rows: [] }, '/rows', 'no_rows'),
  json('D01', 'rows without columns', { rows: [{}, {}] }, '/rows/0', 'no_columns'),
  json('D13', 'a list of values for rows', { rows: [null, '3', true] }, '/rows/1', 'wrong_type'),
  json('D13', 'a text among numbers', { rows: [{ a: 1 }, { a: '3' }, { a: 2 }] }, '/rows/1/a', 'wrong_type'),
  json('D13', 'true among numbers', { rows: [{ a: 1 }, { a: 2 }, { a: true }] }, '/rows/2/a', 'wrong_type'),
  json('D13', 'a list in a cell', { rows: [{ a: 1 }, { a: [2] }] }, '/rows/1/a', 'wrong_type'),
  json('D09', 'numbers without a usable mean', { rows: [{ a: 1e308 }, { a: -1e308 }] }, '/rows/0/a', 'out_of_range'),
  json('D05', 'a column without a name', { rows: [{ '': 1 }] }, '/rows/0/', 'empty_column_name'),
  json(
    'D05',
    'ten thousand and one columns',
    { rows: [Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`c${i}`, 1]))] },
    '/rows/0',
    'too_many_columns',
    'limit_exceeded',
  ),
  json(
    'D05',
    'a column of its own for each of nine thousand rows',
    { rows: Array.from({ length: 9000 }, (_, i) => ({ [`c${i}`]: 1 })) },
    '/rows',
    'too_many_columns',
    'limit_exceeded',
  ),
  json(
    'D06',
    'a category outside of twenty thousand',
    {
      rows: Array.from({ length: MANY }, () => ({ a: 'z' })),
      schema: [{ name: 'a', categories: Array.from({ length: MANY }, (_, i) => `c${i}`) }],
    },
    '/rows/99/a',
    'unknown_category',
  ),
  json(
    'D06',
    'an encoding the type does not have',
    { rows: [{ a: 1 }], schema: [{ name: 'a', encode: 'one_hot' }] },
    '/schema/0/encode',
    'not_one_of',
  ),
  json('D06', 'a builtin that is a member of every object', { builtin: 'constructor' }, '/builtin', 'not_one_of', 'validation_failed'),
  json('D06', 'neither rows nor a builtin', { name: 'x' }, '', 'missing_field', 'validation_failed'),
  json('D06', 'rows that are no list', { rows: { 0: {} } }, '/rows', 'wrong_type', 'validation_failed'),
  {
    id: 'D14',
    what: 'more numbers than a body holds',
    request: { path: '/v1/datasets', json: { rows: [{ a: Array(600_000).fill(1) }] } },
    expect: { status: 413, code: 'payload_too_large' },
  },
  json('D15', 'a text of seventy thousand characters', { rows: [{ a: 'x'.repeat(70_000) }] }, '/rows/0/a', 'cell_too_long'),
];

/** What is odd but right: it must be taken, so only its inspection is asked for. */
const ACCEPTED: readonly BadRequest[] = [
  ...[
    ['D08', 'CRLF, CR and LF mixed, the last line without one', csv('a,b\r\n1,"x\ny"\r2,"say ""hi"""\n3,z')] as const,
    ['D10', 'a constant column', csv('a,b\n1,1\n1,2\n')] as const,
    ['D12', 'one row', csv('a,b\n1,2\n')] as const,
    ['D05', 'columns named as members of every object', csv('constructor,toString,hasOwnProperty\n1,2,x\n')] as const,
    ['D09', 'zero with a sign and numbers near it', csv('a\n-0\n5e-324\n1e-310\n')] as const,
    ['D34', 'formulas', csv("a\n=cmd|'/c calc'!A0\n+1+1\n@x\n")] as const,
    [
      'D35',
      'as many categories as rows',
      csv(`a\n${Array.from({ length: MANY }, (_, i) => `s${i}`).join('\n')}`, { schema: '[{"name":"a","type":"category"}]' }),
    ] as const,
    ['D31', 'a file name that is a path', { file: 'a\n1\n', fileName: '../../etc/passwd\u202e.csv' }] as const,
  ].map(
    ([id, what, given]): BadRequest => ({
      id,
      what,
      request: { path: '/v1/datasets/inspect', form: given },
      expect: { status: 200, code: null },
    }),
  ),
  {
    id: 'D05',
    what: 'members of every object for columns',
    request: { path: '/v1/datasets/inspect', json: { rows: [{ a: 1, constructor: 2, toString: 'x' }, { a: 2 }] } },
    expect: { status: 200, code: null },
  },
];

/** Uploads and rows. */
export const DATA_ROWS: readonly BadRequest[] = [
  ...FILES.map(([id, what, given, fault, line]): BadRequest => {
    const code = fault === 'too_many_columns' ? 'limit_exceeded' : 'dataset_invalid';
    return {
      id,
      what,
      request: { path: '/v1/datasets', form: given },
      expect: { status: 422, code, fault, ...(line !== undefined && { line }) },
    };
  }),
  ...FORMS,
  ...DOCUMENTS,
  ...ACCEPTED,
];

function form(id: string, what: string, request: BadRequest['request'], status: number, code: string): BadRequest {
  return { id, what, request, expect: { status, code } };
}
