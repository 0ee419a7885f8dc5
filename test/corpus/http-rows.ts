import type { BadRequest, RequestData } from './bad-request.ts';

const SPEC = { layers: [{ type: 'dense', units: 2 }], input_shape: [2] };
const TYPED = { 'content-type': 'application/json' };
const AUTHORIZED = 'Host: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n';

const row = (id: string, what: string, request: RequestData, status: number, code: string | null, pointer?: string): BadRequest => ({
  id,
  what,
  request,
  expect: { status, code, ...(pointer !== undefined && { pointer }) },
});

/** A body for the route that only looks at specs. */
const text = (body: string | Uint8Array, headers: Record<string, string> = TYPED): RequestData => ({
  path: '/v1/models/validate',
  text: body,
  headers,
});
const json = (headers: Record<string, string>): RequestData => text(JSON.stringify({ spec: SPEC }), headers);

const BODIES: readonly BadRequest[] = [
  row('H01', 'a document cut off', text('{"epochs":1'), 400, 'invalid_json'),
  row('H02', 'an empty body', { path: '/v1/models/validate', method: 'POST', text: '', headers: TYPED }, 400, 'empty_body'),
  row('H03', 'NaN', text('NaN'), 400, 'invalid_json'),
  row('H03', 'NaN in an object', text('{"spec":NaN}'), 400, 'invalid_json'),
  row('H03', 'Infinity', text('{"spec":-Infinity}'), 400, 'invalid_json'),
  row('H03', 'a comment', text('{/* */}'), 400, 'invalid_json'),
  row('H03', 'a byte order mark alone', text(Uint8Array.of(0xef, 0xbb, 0xbf)), 400, 'invalid_json'),
  ...['[]', '"x"', 'null', '1', 'true'].map((body) => row('H04', `${body} for an object`, text(body), 422, 'validation_failed', '')),
  row('H29', '__proto__', text('{"__proto__":{"x":1}}'), 400, 'invalid_json'),
  row('H29', 'constructor.prototype', text('{"constructor":{"prototype":{}}}'), 400, 'invalid_json'),
  row('H30', '__proto__ in a layer', text('{"spec":{"layers":[{"type":"dense","units":1,"__proto__":{"units":2}}]}}'), 400, 'invalid_json'),
  row('H30', '__proto__ in metadata', { path: '/v1/jobs', text: '{"metadata":{"__proto__":"x"}}', headers: TYPED }, 400, 'invalid_json'),
  row('H31', 'five thousand objects in each other', text(`${'{"spec":'.repeat(5000)}1${'}'.repeat(5000)}`), 400, 'invalid_json'),
  row('H31', 'half a million lists in each other', text('['.repeat(500_000) + ']'.repeat(500_000)), 400, 'invalid_json'),
  row('H32', 'a megabyte of [', text('['.repeat(1_000_000)), 400, 'invalid_json'),
  row('H33', 'sixty thousand fields', { path: '/v1/jobs', json: fields(60_000) }, 422, 'spec_invalid', '/k0'),
  row(
    'H33',
    'sixty thousand fields in a layer',
    job({ spec: { layers: [{ type: 'dense', units: 3, ...fields(60_000) }] } }),
    422,
    'spec_invalid',
    '/spec/layers/0/k0',
  ),
  row(
    'H33',
    'sixty thousand fields in the training',
    job({ training: { epochs: 1, ...fields(60_000) } }),
    422,
    'spec_invalid',
    '/training/k0',
  ),
  row(
    'H33',
    'sixty thousand fields in a deployment',
    { method: 'PUT', path: '/v1/deployments/x', json: fields(60_000) },
    422,
    'validation_failed',
    '/model',
  ),
  row('H34', 'a number of a million digits', text(`{"spec":${'1'.repeat(1_000_000)}}`), 200, null),
  row(
    'H34',
    'the same as the number of epochs',
    { path: '/v1/jobs', text: `{"training":{"epochs":${'1'.repeat(1_000_000)}}}`, headers: TYPED },
    422,
    'spec_invalid',
    '/training/epochs',
  ),
  row('H36', 'NUL in a name', { path: '/v1/datasets', text: '{"name":"a\\u0000b","builtin":"iris"}', headers: TYPED }, 400, 'invalid_json'),
  row(
    'H37',
    'half a surrogate pair',
    { path: '/v1/datasets', text: '{"name":"\\ud800","builtin":"iris"}', headers: TYPED },
    400,
    'invalid_json',
  ),
  ...['a\r\nb', 'a\u001b[31m', ''].map((name) =>
    row(
      'H38',
      `the name ${JSON.stringify(name)}`,
      { path: '/v1/datasets', json: { name, builtin: 'iris' } },
      422,
      'validation_failed',
      '/name',
    ),
  ),
  row('H38', 'a model named with an escape', { path: '/v1/models', json: { name: 'a\u001b', spec: SPEC } }, 422, 'spec_invalid', '/name'),
  row(
    'H38',
    'a name of ten thousand characters',
    { path: '/v1/models', json: { name: 'a'.repeat(10_000), spec: SPEC } },
    422,
    'spec_invalid',
    '/name',
  ),
];

const TYPES: readonly BadRequest[] = [
  row('H05', 'no Content-Type', json({}), 415, 'unsupported_media_type'),
  ...[
    ['H06', 'text/plain'],
    ['H07', 'application/x-www-form-urlencoded'],
    ['H07', 'multipart/form-data; boundary=x'],
    ['H08', 'application/json garbage'],
    ['H08', 'application/jsonx'],
    ['H10', 'application/json; charset=utf-16'],
    ['H10', 'application/json; charset=latin1'],
    ['H11', `application/json${';'.repeat(10_000)}x`],
    ['H11', 'application/js\u00f6n'],
  ].map(([id = '', type = '']) =>
    row(id, `Content-Type ${type.slice(0, 60)}`, json({ 'content-type': type }), 415, 'unsupported_media_type'),
  ),
  ...['application/json ; charset=utf-8', 'APPLICATION/JSON', 'application/json\t', 'application/json;charset="UTF-8"'].map((type) =>
    row(
      'H09',
      `${JSON.stringify(type)} does not skip the check`,
      text('{"spc":1}', { 'content-type': type }),
      422,
      'validation_failed',
      '/spc',
    ),
  ),
  ...['gzip', 'br', 'deflate', 'gzip, gzip'].map((encoding) =>
    row('H12', `Content-Encoding ${encoding}`, json({ ...TYPED, 'content-encoding': encoding }), 415, 'unsupported_media_type'),
  ),
  row(
    'H12',
    'a compressed form',
    {
      path: '/v1/datasets',
      text: Uint8Array.of(0x1f, 0x8b, 8, 0),
      headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-encoding': 'gzip' },
    },
    415,
    'unsupported_media_type',
  ),
  row('H13', 'a body beyond the limit', text(' '.repeat(1_048_577)), 413, 'payload_too_large'),
];

const ADDRESSES: readonly BadRequest[] = [
  row('H24', 'an address of ten kilobytes', { path: `/v1/jobs/${'a'.repeat(10_000)}` }, 414, 'uri_too_long'),
  row('H24', 'a name of a hundred and one characters', { path: `/v1/models/${'a'.repeat(101)}` }, 414, 'uri_too_long'),
  row('H25', 'NUL for an id', { path: '/v1/jobs/%00' }, 400, 'invalid_id'),
  row('H25', 'half an UTF-8 character', { path: '/v1/jobs/%ff' }, 400, 'invalid_request'),
  row('H25', 'a broken escape', { path: '/v1/jobs/%zz' }, 400, 'invalid_request'),
  row('H26', 'a way up', { path: '/v1/jobs/..%2f..%2fetc%2fpasswd' }, 400, 'invalid_id'),
  row('H26', 'a way up for a name', { path: '/v1/models/..%2f..%2fetc%2fpasswd/versions/1/weights' }, 400, 'invalid_id'),
  row('H26', 'an id with a line end behind it', { path: '/v1/jobs/{job}%0a' }, 400, 'invalid_id'),
  ...['//v1/jobs', '/v1/jobs/', '/V1/jobs', '/v1/jobs;x=1', '/v1/./../admin'].map((path) =>
    row('H27', `${path} is no other spelling`, { path }, 404, 'not_found'),
  ),
  ...['PROPFIND', 'PATCH', 'PUT', 'DELETE'].map((method) =>
    row('H28', `${method} /v1/jobs`, { method, path: '/v1/jobs' }, 405, 'method_not_allowed'),
  ),
  ...[
    'limit=-1',
    'limit=0',
    'limit=1e9',
    'limit=abc',
    'limit=1&limit=2',
    'limit=',
    'limit=101',
    'limit=%00',
    'limt=1',
    'cursor=a&cursor=b',
    '__proto__=1',
    'constructor=1',
    'limit[]=1',
  ].map((query) => row('H39', `?${query}`, { path: `/v1/jobs?${query}` }, 400, 'invalid_request')),
  ...['status=done', 'kind=magic', 'model=A%20B', 'dataset=1'].map((query) =>
    row('H39', `?${query}`, { path: `/v1/jobs?${query}` }, 400, 'invalid_request'),
  ),
  ...['wait=-1', 'wait=61', 'wait=1e3', 'wait=Infinity', 'wait=NaN', 'wait=1&wait=2', 'wait=%20'].map((query) =>
    row('H39', `?${query}`, { path: `/v1/jobs/{job}?${query}` }, 400, 'invalid_request'),
  ),
  ...['format=pickle', 'format=', 'format=json&format=json'].map((query) =>
    row('H39', `?${query}`, { path: `/v1/jobs/{job}/weights?${query}` }, 400, 'invalid_request'),
  ),
  ...['0', '-1', '1.5', '2147483648', '99999999999999999999', '1e3', '0x1'].map((version) =>
    row('H39', `version ${version}`, { path: `/v1/models/flowers/versions/${version}` }, 400, 'invalid_id'),
  ),
  ...[
    'x',
    'AAAA',
    cursor('datasets', '1'),
    cursor('models', 'x'),
    cursor('jobs', 'ds_01J00000000000000000000000'),
    cursor('jobs', "job_'; DROP"),
    'W10',
    'bnVsbA',
    '%F0%9F%98%80',
  ].map((value) => row('H40', `the cursor ${value}`, { path: `/v1/jobs?cursor=${value}` }, 400, 'invalid_cursor')),
  row('H40', 'a cursor of another list', { path: `/v1/datasets/{iris}/rows?cursor=${cursor('epochs', '1')}` }, 400, 'invalid_cursor'),
  row(
    'H40',
    'a cursor beyond every number',
    { path: `/v1/jobs/{job}/epochs?cursor=${cursor('epochs', '9'.repeat(20))}` },
    400,
    'invalid_cursor',
  ),
  row('H40', 'a cursor of three hundred characters', { path: `/v1/jobs?cursor=${'A'.repeat(300)}` }, 400, 'invalid_request'),
];

const HEADERS: readonly BadRequest[] = [
  ...['', 'x'.repeat(256), 'x'.repeat(10_000), 'sch\u00f6n'].map((key) =>
    row(
      'H41',
      `the Idempotency-Key ${key.slice(0, 10) || 'that is empty'}…`,
      { path: '/v1/datasets', json: { builtin: 'iris' }, headers: { 'idempotency-key': key } },
      400,
      'invalid_request',
    ),
  ),
  ...['x', '-1', '1.5', '9'.repeat(10), '1e3', '0x1', '{job}'].map((id) =>
    row(
      'H48',
      `Last-Event-ID ${id}`,
      { path: '/v1/jobs/{job}/events', headers: { accept: 'text/event-stream', 'last-event-id': id } },
      400,
      'invalid_request',
    ),
  ),
  row(
    'H46',
    'a range behind the end',
    { path: '/v1/jobs/{job}/weights', headers: { range: 'bytes=999999999-' } },
    416,
    'range_not_satisfiable',
  ),
  row('H46', 'the last zero bytes', { path: '/v1/jobs/{job}/weights', headers: { range: 'bytes=-0' } }, 416, 'range_not_satisfiable'),
  ...[`bytes=0-0,${'1-1,'.repeat(999)}2-2`, 'bytes=5-1', 'bytes=a-b', 'bytes=-', 'lines=1-2', `bytes=${'9'.repeat(99)}-`].map((range) =>
    row('H46', `the Range ${range.slice(0, 20)} gives the whole file`, { path: '/v1/jobs/{job}/weights', headers: { range } }, 200, null),
  ),
];

const RAW: readonly BadRequest[] = [
  row(
    'H16',
    'more bytes than Content-Length',
    { raw: `POST /v1/models/validate HTTP/1.1\r\n${AUTHORIZED}Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{"spec":1}` },
    400,
    'invalid_request',
  ),
  row(
    'H17',
    'Content-Length and Transfer-Encoding',
    { raw: `POST /v1/jobs HTTP/1.1\r\n${AUTHORIZED}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n` },
    400,
    'invalid_request',
  ),
  row(
    'H17',
    'an encoding nobody knows',
    { raw: `POST /v1/jobs HTTP/1.1\r\n${AUTHORIZED}Transfer-Encoding: gzip\r\n\r\n` },
    400,
    'invalid_request',
  ),
  row(
    'H18',
    'two lengths',
    { raw: `POST /v1/jobs HTTP/1.1\r\n${AUTHORIZED}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello` },
    400,
    'invalid_request',
  ),
  row('H18', 'a negative length', { raw: `POST /v1/jobs HTTP/1.1\r\n${AUTHORIZED}Content-Length: -1\r\n\r\n` }, 400, 'invalid_request'),
  row(
    'H18',
    'a chunk of an absurd size',
    {
      raw: `POST /v1/models/validate HTTP/1.1\r\n${AUTHORIZED}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n`,
    },
    400,
    'invalid_request',
  ),
  row(
    'H14',
    'chunks beyond the limit',
    {
      raw: `POST /v1/models/validate HTTP/1.1\r\n${AUTHORIZED}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n${' '.repeat(0x100001)}\r\n0\r\n\r\n`,
    },
    413,
    'payload_too_large',
  ),
  row(
    'H19',
    'a hundred thousand chunks of one byte',
    {
      raw: `POST /v1/models/validate HTTP/1.1\r\n${AUTHORIZED}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\n[\r\n'.repeat(100_000)}0\r\n\r\n`,
    },
    400,
    'invalid_json',
  ),
  row(
    'H23',
    'seventeen kilobytes of headers',
    { raw: `GET /livez HTTP/1.1\r\n${AUTHORIZED}X-Long: ${'x'.repeat(17_000)}\r\n\r\n` },
    431,
    'headers_too_large',
  ),
  row('H28', 'a method nobody knows', { raw: `FOO /livez HTTP/1.1\r\n${AUTHORIZED}\r\n` }, 400, 'invalid_request'),
  row('H28', 'TRACE', { raw: `TRACE /livez HTTP/1.1\r\n${AUTHORIZED}\r\n` }, 405, 'method_not_allowed'),
  row('H36', 'NUL in a header', { raw: `GET /livez HTTP/1.1\r\n${AUTHORIZED}X-A: a\0b\r\n\r\n` }, 400, 'invalid_request'),
  row(
    'H41',
    'a line end in a header',
    { raw: `GET /livez HTTP/1.1\r\n${AUTHORIZED}Idempotency-Key: a\rb\r\n\r\n` },
    400,
    'invalid_request',
  ),
  row('H45', 'no Host', { raw: 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n' }, 400, 'invalid_request'),
  row('H45', 'an address with another host', { raw: `GET http://evil.example/v1/nothing HTTP/1.1\r\n${AUTHORIZED}\r\n` }, 404, 'not_found'),
  row(
    'H50',
    'an oversized body announced, none sent',
    {
      raw: `POST /v1/models/validate HTTP/1.1\r\n${AUTHORIZED}Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n`,
    },
    413,
    'payload_too_large',
  ),
  row(
    'H50',
    'an oversized upload announced, none sent',
    {
      raw: `POST /v1/datasets HTTP/1.1\r\n${AUTHORIZED}Content-Type: multipart/form-data; boundary=x\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n`,
    },
    413,
    'payload_too_large',
  ),
];

/** What is wrong below the documents: HTTP itself, types, addresses, headers, and JSON as such. */
export const HTTP_ROWS: readonly BadRequest[] = [...BODIES, ...TYPES, ...ADDRESSES, ...HEADERS, ...RAW];

function fields(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]));
}

function job(change: object): RequestData {
  return { path: '/v1/jobs', json: { dataset: '{iris}', target: 'species', spec: SPEC, training: { epochs: 1 }, ...change } };
}

function cursor(list: string, position: string): string {
  return Buffer.from(JSON.stringify([list, position])).toString('base64url');
}
