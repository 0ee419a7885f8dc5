import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { withTransaction } from '../../src/db/transaction.ts';
import { startProxy } from '../faults/harness/proxy.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';

/** What the server is doing for a connection. */
async function stateOf(admin: pg.Client, pid: number): Promise<string | null> {
  const { rows } = await admin.query<{ state: string }>('SELECT state FROM pg_stat_activity WHERE pid = $1', [pid]);
  return rows[0]?.state ?? null;
}

it('a server that answers and dies in one breath fails the statement that comes next, and nothing else', async () => {
  const database = await createTestDatabase();
  const proxy = await startProxy(Number(new URL(database.url).port));
  const url = new URL(database.url);
  url.port = String(proxy.port);
  const { pool, close } = openDatabase(url.href, { poolSize: 1, onError: () => undefined });
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  onTestFinished(async () => {
    await admin.end();
    await close();
    await proxy.close();
    await database.drop();
  });

  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  const answered = pool.query('SELECT pg_sleep(0.3)');
  await eventually('the statement runs', async () => ((await stateOf(admin, pid)) === 'active' ? true : null));
  proxy.mode('blackhole');
  // It gets the one connection in the same moment in which the server says that it ends it.
  const next = withTransaction(pool, (client) => client.query('SELECT 1'));
  await eventually('the statement has run', async () => ((await stateOf(admin, pid)) === 'idle' ? true : null));
  await eventually('the answer is on its way', () => (proxy.held > 0 ? true : null));
  const answer = proxy.held;
  await admin.query('SELECT pg_terminate_backend($1)', [pid]);
  await eventually('and so are the last words', () => (proxy.held > answer ? true : null));
  proxy.mode('pass');
  await expect(answered).resolves.toMatchObject({ rowCount: 1 });
  await expect(next).rejects.toThrow(/terminat|not queryable/);
  await expect(pool.query('SELECT 1 AS one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
});
