import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { isDatabaseUnavailable } from '../../src/db/unavailable.ts';
import { findFreePort } from '../../src/runtime/port.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

describe('isDatabaseUnavailable', () => {
  let testDatabase: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { poolSize: 2, onError: () => undefined });
  });

  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });

  test('holds where nobody listens, through Prisma and through the pool', async () => {
    const url = `postgresql://postgres:x@127.0.0.1:${await findFreePort()}/alma`;
    const absent = openDatabase(url, { poolSize: 1, onError: () => undefined });
    expect(isDatabaseUnavailable(await failure(absent.pool.query('SELECT 1')))).toBe(true);
    expect(isDatabaseUnavailable(await failure(absent.prisma.project.findMany()))).toBe(true);
    await absent.close();
  });

  test('holds when the server ends the connection in the middle of a statement', async () => {
    const suicide = 'SELECT pg_terminate_backend(pg_backend_pid())';
    expect(isDatabaseUnavailable(await failure(database.pool.query(suicide)))).toBe(true);
    expect(isDatabaseUnavailable(await failure(database.prisma.$queryRawUnsafe(suicide)))).toBe(true);
  });

  test('holds for a row that somebody else keeps locked, and for a statement that takes too long', async () => {
    const holder = await database.pool.connect();
    await holder.query('BEGIN');
    await holder.query(`SELECT FROM project WHERE id = 'prj_default' FOR UPDATE`);
    const impatient = database.pool.query(`SET lock_timeout = 50; SELECT FROM project WHERE id = 'prj_default' FOR UPDATE`);
    expect(isDatabaseUnavailable(await failure(impatient))).toBe(true);
    await holder.query('ROLLBACK');
    holder.release();
    const slow = database.pool.query('SET statement_timeout = 50; SELECT pg_sleep(60)');
    expect(isDatabaseUnavailable(await failure(slow))).toBe(true);
  });

  test('does not hold for statements that are wrong', async () => {
    expect(isDatabaseUnavailable(await failure(database.pool.query('SELECT nothing_like_that')))).toBe(false);
    const twice = database.prisma.project.create({ data: { id: 'prj_default', name: 'again' } });
    expect(isDatabaseUnavailable(await failure(twice))).toBe(false);
    expect(isDatabaseUnavailable(new TypeError('x is not a function'))).toBe(false);
  });
});

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
