import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorkerStore } from '../../src/fleet/worker-store.ts';
import { newId } from '../../src/lib/ids.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { IDENTITY, insertJob } from '../support/job-rows.ts';

describe('GET /v1/workers', () => {
  let server: TestApp;

  beforeEach(async () => {
    server = await startTestApp();
  });

  afterEach(() => server.close());

  async function register(pid: number): Promise<string> {
    const id = newId('worker');
    await createWorkerStore(server.database).heartbeat({ id, pid, host: 'here', version: '1.2.3', ...IDENTITY, slots: 2 });
    return id;
  }

  const list = async (query = '') => {
    const reply = await fetch(`${server.url}/v1/workers${query}`);
    const body: { next_cursor?: string } = JSON.parse(await reply.text());
    return { status: reply.status, body };
  };

  it('lists live workers with the running jobs of the project, and leaves silent ones out', async () => {
    const silent = await register(1);
    const live = await register(2);
    const { pool } = server.database;
    await pool.query(`UPDATE worker SET last_heartbeat_at = now() - interval '1 minute' WHERE id = $1`, [silent]);
    await pool.query(`INSERT INTO project (id, name) VALUES ('prj_other', 'other')`);
    const [own, foreign] = [await insertJob(pool), await insertJob(pool)];
    await pool.query(`UPDATE job SET status = 'running', worker_id = $1`, [live]);
    await pool.query(`UPDATE job SET project_id = 'prj_other' WHERE id = $1`, [foreign]);
    expect(await list()).toEqual({
      status: 200,
      body: {
        data: [
          {
            id: live,
            pid: 2,
            host: 'here',
            version: '1.2.3',
            ...IDENTITY,
            slots: 2,
            jobs: [own],
            last_heartbeat_at: expect.stringMatching(/Z$/),
          },
        ],
        has_more: false,
        next_cursor: null,
      },
    });
  });

  it('goes through the list page by page, newest first', async () => {
    const ids = [await register(1), await register(2), await register(3)];
    const first = await list('?limit=2');
    expect(first.body).toMatchObject({ data: [{ id: ids[2] }, { id: ids[1] }], has_more: true });
    expect((await list(`?limit=2&cursor=${first.body.next_cursor}`)).body).toMatchObject({ data: [{ id: ids[0] }], has_more: false });
    expect((await list('?limit=0')).status).toBe(400);
    expect((await list('?cursor=nonsense')).body).toMatchObject({ code: 'invalid_cursor' });
  });
});
