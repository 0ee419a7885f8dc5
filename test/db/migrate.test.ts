import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MIGRATIONS_DIR, migrate } from '../../src/db/migrate.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';

describe('migrate', () => {
  let database: TestDatabase;
  let dir: string;

  beforeEach(async () => {
    database = await createEmptyDatabase();
    dir = await mkdtemp(join(tmpdir(), 'alma-migrations-'));
    await cp(MIGRATIONS_DIR, dir, { recursive: true });
  });

  afterEach(async () => {
    await database.drop();
    await rm(dir, { recursive: true, force: true });
  });

  test('applies each migration once, also when several processes start at once', async () => {
    const results = await Promise.all([migrate(database.url, dir), migrate(database.url, dir), migrate(database.url, dir)]);
    expect(results.filter((applied) => applied.length > 0)).toHaveLength(1);
    expect(await migrate(database.url, dir)).toEqual([]);
  });

  test('a failing migration leaves nothing behind and stops every later start', async () => {
    await migrate(database.url, dir);
    await addMigration(dir, '99990101000000_bad', 'CREATE TABLE half (id int); SELECT no_such_column FROM half;');
    await expect(migrate(database.url, dir)).rejects.toThrow('99990101000000_bad failed: column "no_such_column" does not exist');
    await expect(migrate(database.url, dir)).rejects.toThrow('99990101000000_bad failed');
    expect(await scalar(database.url, "SELECT to_regclass('half')::text")).toBeNull();
  });

  test('a migration cut off half-way is applied by the next start', async () => {
    await migrate(database.url, dir);
    const endsOwnSession = 'CREATE TABLE cut (id int); SELECT pg_terminate_backend(pg_backend_pid());';
    await addMigration(dir, '99990101000000_cut', endsOwnSession);
    await expect(migrate(database.url, dir)).rejects.toThrow('99990101000000_cut failed');
    expect(await scalar(database.url, "SELECT to_regclass('cut')::text")).toBeNull();
    await addMigration(dir, '99990101000000_cut', 'CREATE TABLE cut (id int);');
    expect(await migrate(database.url, dir)).toEqual(['99990101000000_cut']);
  });

  test('a migration edited after it was applied is refused', async () => {
    await addMigration(dir, '99990101000000_extra', 'CREATE TABLE extra (id int);');
    await migrate(database.url, dir);
    await addMigration(dir, '99990101000000_extra', 'CREATE TABLE extra (id bigint);');
    await expect(migrate(database.url, dir)).rejects.toThrow('99990101000000_extra was modified after it was applied');
  });
});

describe('the first migration', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase();
  });

  afterEach(() => database.drop());

  test('a terminal status is written once', async () => {
    const insert = `INSERT INTO job (id, project_id, kind, status, request, progress, receipt)
                    VALUES ('job_1', 'prj_default', 'training', 'succeeded', '{}', '{}', '{}')`;
    await scalar(database.url, insert);
    await expect(scalar(database.url, "UPDATE job SET status = 'running'")).rejects.toThrow('has ended as succeeded');
  });
});

async function addMigration(dir: string, name: string, sql: string): Promise<void> {
  await mkdir(join(dir, name), { recursive: true });
  await writeFile(join(dir, name, 'migration.sql'), sql);
}

async function scalar(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0] ?? null;
  } finally {
    await client.end();
  }
}
