import { readdir, readlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/lib/ids.ts';
import { call, startTestApp, type TestApp } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';

const UPLOAD_BYTES_MAX = 200_000;

let app: TestApp;
let datasets: string;

beforeAll(async () => {
  app = await startTestApp({ env: { UPLOAD_BYTES_MAX: String(UPLOAD_BYTES_MAX), ROWS_MAX: '5000' } });
  datasets = `${app.url}/v1/datasets`;
});

afterAll(() => app.close());

function form(content: string | Uint8Array<ArrayBuffer>, fields: Record<string, string> = {}, fileName = 'flowers.csv'): FormData {
  const data = new FormData();
  data.set('file', new Blob([content]), fileName);
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

async function upload(data: FormData, { path = '', headers = {} }: { path?: string; headers?: Record<string, string> } = {}) {
  const reply = await fetch(`${datasets}${path}`, { method: 'POST', body: data, headers });
  return { status: reply.status, headers: reply.headers, body: JSON.parse(await reply.text()) };
}

const blobCount = async () => (await app.database.pool.query('SELECT count(*)::int AS count FROM blob')).rows[0].count;

async function addJob(datasetId: string, status: string): Promise<string> {
  const id = newId('job');
  await app.database.pool.query(
    `INSERT INTO job (id, project_id, kind, status, request, dataset_id, progress, receipt)
     SELECT $1, project_id, 'training', $2, '{}', id, '{}', '{}' FROM dataset WHERE id = $3`,
    [id, status, datasetId],
  );
  return id;
}

describe('creating a dataset', () => {
  test('an uploaded file becomes a dataset with an inferred schema', async () => {
    const { status, headers, body } = await upload(form('length,species\n1.5,setosa\n2.5,virginica\n'));
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/v1/datasets/${body.id}`);
    expect(body).toMatchObject({
      object: 'dataset',
      name: 'flowers',
      version: 1,
      status: 'ready',
      rows: 2,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(body.schema).toMatchObject([
      { name: 'length', type: 'number', nullable: false, missing: 'error', encode: 'standardize' },
      { name: 'species', type: 'category', categories: ['setosa', 'virginica'], encode: 'one_hot' },
    ]);
    const again = await call(`${datasets}/${body.id}`);
    expect(again).toMatchObject({ status: 200, body });
  });

  test('name and schema of the form count, wherever they stand in it', async () => {
    const schema = JSON.stringify([{ name: 'zip', type: 'text' }]);
    const before = new FormData();
    before.set('name', 'Addresses');
    before.set('schema', schema);
    before.set('file', new Blob(['zip,n\n1,2\n']), 'x.csv');
    for (const data of [before, form('zip,n\n1,2\n', { name: 'Addresses', schema })]) {
      const { body } = await upload(data);
      expect(body).toMatchObject({
        name: 'Addresses',
        schema: [
          { name: 'zip', type: 'text' },
          { name: 'n', type: 'integer' },
        ],
      });
    }
  });

  test('rows and built-in datasets come as JSON', async () => {
    const rows = await call(datasets, { method: 'POST', body: { name: 'two', rows: [{ a: 1 }, { a: 2 }] } });
    expect(rows).toMatchObject({ status: 201, body: { name: 'two', rows: 2 } });
    for (const [builtin, count] of [
      ['iris', 150],
      ['digits', 1797],
      ['xor', 4],
    ] as const) {
      expect(await call(datasets, { method: 'POST', body: { builtin } })).toMatchObject({
        status: 201,
        body: { name: builtin, rows: count },
      });
    }
  });

  test('the same data has the same hash, whichever way it came', async () => {
    const csv = await upload(form('a,b\n1,x\n2,y\n'));
    const json = await call(datasets, {
      method: 'POST',
      body: {
        rows: [
          { a: 1, b: 'x' },
          { a: 2, b: 'y' },
        ],
      },
    });
    expect(json.body.sha256).toBe(csv.body.sha256);
    expect(json.body.id).not.toBe(csv.body.id);
  });

  test('faults of the data are told with line and column, and nothing is kept', async () => {
    const before = await blobCount();
    const { status, body } = await upload(form('a,b\n1,2\n3,x\n4\n5,6\n'));
    expect([status, body.code]).toEqual([422, 'dataset_invalid']);
    expect(body.errors).toMatchObject([
      { line: 3, column: 'b', value: 'x', code: 'not_a_number' },
      { line: 4, code: 'ragged_row' },
    ]);
    expect(await blobCount()).toBe(before);
  });

  test('a text in a column of numbers is a fault in JSON rows too', async () => {
    const { status, body } = await call(datasets, { method: 'POST', body: { rows: [{ x: 1 }, { x: '3' }, { x: 2 }] } });
    expect([status, body.code]).toEqual([422, 'dataset_invalid']);
    expect(body.errors).toMatchObject([{ pointer: '/rows/1/x', code: 'wrong_type' }]);
  });

  test.each([
    [{}, ''],
    [{ rows: [], builtin: 'iris' }, ''],
    [{ builtin: 'irises' }, '/builtin'],
    [{ rows: {} }, '/rows'],
    [{ builtin: 'iris', colour: 1 }, '/colour'],
    [{ builtin: 'iris', name: '' }, '/name'],
    [{ builtin: 'iris', schema: [{ name: 'species', type: 'colour' }] }, '/schema/0/type'],
  ])('the body %j is refused with a pointer', async (body, pointer) => {
    const reply = await call(datasets, { method: 'POST', body });
    expect([reply.status, reply.body.code]).toEqual([422, 'validation_failed']);
    expect(reply.body.errors[0].pointer).toBe(pointer);
  });

  test('forms that are not a file with a name and a schema are refused', async () => {
    const withoutFile = new FormData();
    withoutFile.set('name', 'x');
    const twoFiles = form('a\n1\n');
    twoFiles.append('file', new Blob(['a\n1\n']), 'b.csv');
    for (const data of [
      withoutFile,
      twoFiles,
      form('a\n1\n', { colour: 'red' }),
      form('a\n1\n', { schema: '{' }),
      form('a\n1\n', { schema: '[{"nome":"a"}]' }),
    ]) {
      expect(await upload(data)).toMatchObject({ status: 422, body: { code: 'validation_failed' } });
    }
  });

  test('other routes take no forms', async () => {
    const reply = await fetch(`${app.url}/v1/models`, { method: 'POST', body: form('a\n1\n') });
    expect(reply.status).toBe(415);
  });

  test('the content decides what a file is, and its name is only a label', async () => {
    const png = await upload(form(new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]), {}, 'data.csv'));
    expect(png).toMatchObject({ status: 422, body: { code: 'dataset_invalid', errors: [{ code: 'unsupported_format' }] } });
    const named = await upload(form('a\n1\n', {}, '../../etc/pass\u202ewd.csv'));
    expect(named).toMatchObject({ status: 201, body: { name: 'passwd' } });
  });

  test('limits of bytes and rows are told in the reply', async () => {
    const large = await upload(form(`a\n${'1\n'.repeat(UPLOAD_BYTES_MAX / 2)}`));
    expect(large).toMatchObject({ status: 413, body: { code: 'payload_too_large', limit: UPLOAD_BYTES_MAX } });
    const long = await upload(form(`a\n${'1\n'.repeat(5001)}`));
    expect(long).toMatchObject({ status: 422, body: { code: 'limit_exceeded', limit: 5000 } });
  });

  test('the same Idempotency-Key gives the same dataset, and another file is a conflict', async () => {
    const headers = { 'idempotency-key': 'upload-1' };
    const replies = await Promise.all([1, 2, 3].map(() => upload(form('a\n1\n'), { headers })));
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
    expect(replies.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await upload(form('a\n2\n'), { headers })).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
    const rows = (value: number) =>
      call(datasets, { method: 'POST', headers: { 'idempotency-key': 'rows-1' }, body: { rows: [{ a: value }] } });
    expect((await rows(1)).body.id).toBe((await rows(1)).body.id);
    expect((await rows(2)).status).toBe(409);
  });

  // Open files are listed by /proc, which only Linux has.
  test.runIf(process.platform === 'linux')('an upload that breaks off leaves no file, no rows and no bytes', async () => {
    const before = [await blobCount(), (await call(datasets)).body.data.length];
    const { port, hostname } = new URL(app.url);
    const socket = createConnection(Number(port), hostname);
    socket.write(
      `POST /v1/datasets HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000\r\n\r\n` +
        '--b\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\na,b\n1,2\n',
    );
    await eventually('the upload is being written', async () => ((await openSpools()) === 1 ? true : null));
    socket.destroy();
    await eventually('the upload is given up', async () => ((await openSpools()) === 0 ? true : null));
    expect([await blobCount(), (await call(datasets)).body.data.length]).toEqual(before);
  });
});

/** How many spooled uploads this process, which the server runs in, holds open; their names are deleted already. */
async function openSpools(): Promise<number> {
  const links = await Promise.allSettled((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`)));
  return links.filter((link) => link.status === 'fulfilled' && /alma-spool-.* \(deleted\)$/.test(link.value)).length;
}

describe('inspecting', () => {
  test('tells schema and problems and stores nothing', async () => {
    const before = await blobCount();
    const good = await upload(form('a,b\n1,x\n'), { path: '/inspect' });
    expect(good).toMatchObject({ status: 200, body: { rows: 1, schema: [{ name: 'a' }, { name: 'b' }], problems: [] } });
    const bad = await upload(form('a,b\n1,x\n2\n'), { path: '/inspect' });
    expect(bad).toMatchObject({ status: 200, body: { problems: [{ line: 3, code: 'ragged_row' }] } });
    const rows = await call(`${datasets}/inspect`, { method: 'POST', body: { rows: [{ a: 1 }, { a: 'x' }] } });
    expect(rows.body.problems).toMatchObject([{ pointer: '/rows/1/a' }]);
    expect(await blobCount()).toBe(before);
  });
});

describe('a stored dataset', () => {
  test('shows its rows page by page', async () => {
    const { body } = await call(datasets, { method: 'POST', body: { builtin: 'xor' } });
    const first = await call(`${datasets}/${body.id}/rows?limit=3`);
    expect(first.body).toMatchObject({
      has_more: true,
      data: [
        { x1: 0, x2: 0, y: 0 },
        { x1: 0, x2: 1, y: 1 },
        { x1: 1, x2: 0, y: 1 },
      ],
    });
    const second = await call(`${datasets}/${body.id}/rows?limit=3&cursor=${first.body.next_cursor}`);
    expect(second.body).toEqual({ data: [{ x1: 1, x2: 1, y: 0 }], has_more: false, next_cursor: null });
    expect((await call(`${datasets}/${body.id}/problems`)).body).toEqual({ data: [], has_more: false, next_cursor: null });
  });

  test('is listed newest first, page by page', async () => {
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three'])
      ids.push((await call(datasets, { method: 'POST', body: { name, rows: [{ a: 1 }] } })).body.id);
    const first = await call(`${datasets}?limit=2`);
    expect(first.body.data.map(({ id }: { id: string }) => id)).toEqual([ids[2], ids[1]]);
    const second = await call(`${datasets}?limit=1&cursor=${first.body.next_cursor}`);
    expect(second.body.data[0].id).toBe(ids[0]);
    expect((await call(`${datasets}?limit=0`)).status).toBe(400);
    expect((await call(`${datasets}?cursor=abc`)).body.code).toBe('invalid_cursor');
  });

  test('takes another name and nothing else', async () => {
    const { body } = await call(datasets, { method: 'POST', body: { builtin: 'xor' } });
    expect(await call(`${datasets}/${body.id}`, { method: 'PATCH', body: { name: 'gates' } })).toMatchObject({
      status: 200,
      body: { ...body, name: 'gates' },
    });
    expect((await call(`${datasets}/${body.id}`, { method: 'PATCH', body: { rows: 3 } })).status).toBe(422);
  });

  test('goes with its bytes, unless a job still needs it', async () => {
    const { body } = await call(datasets, { method: 'POST', body: { builtin: 'xor' } });
    const before = await blobCount();
    const [running, ended] = [await addJob(body.id, 'running'), await addJob(body.id, 'succeeded')];
    expect(await call(`${datasets}/${body.id}`, { method: 'DELETE' })).toMatchObject({ status: 409, body: { code: 'state_conflict' } });
    await app.database.pool.query("UPDATE job SET status = 'cancelled' WHERE id = $1", [running]);
    expect((await call(`${datasets}/${body.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await blobCount()).toBe(before - 1);
    const { rows } = await app.database.pool.query('SELECT dataset_id FROM job WHERE id = ANY($1)', [[running, ended]]);
    expect(rows).toEqual([{ dataset_id: null }, { dataset_id: null }]);
    expect((await call(`${datasets}/${body.id}`)).status).toBe(404);
    expect((await call(`${datasets}/${body.id}`, { method: 'DELETE' })).status).toBe(404);
  });

  test('unknown and malformed ids are told apart, and another project sees nothing', async () => {
    expect((await call(`${datasets}/${newId('dataset')}`)).body.code).toBe('not_found');
    expect((await call(`${datasets}/ds_1`)).body.code).toBe('invalid_id');
    const { body } = await call(datasets, { method: 'POST', body: { builtin: 'xor' } });
    await expect(app.services.datasets.get('prj_other', body.id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(app.services.datasets.loadTable('prj_other', body.id)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is loaded as the table it was', async () => {
    const { body } = await upload(form('a,b\n1.5,x\n,y\n'));
    const [table, again] = await Promise.all([1, 2].map(() => app.services.datasets.loadTable('prj_default', body.id)));
    expect(table).toBe(again);
    expect(table).toEqual({
      rows: 2,
      columns: [
        { name: 'a', type: 'number', values: Float64Array.of(1.5, Number.NaN) },
        { name: 'b', type: 'category', dictionary: ['x', 'y'], codes: Int32Array.of(0, 1) },
      ],
    });
  });
});
