import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('the Prisma command line, without its downloaded engine', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database.drop());

  test('takes what the runner at start-up applied for applied', async () => {
    expect(await prisma(database.url, ['migrate', 'status'])).toMatchObject({ code: 0, output: expect.stringContaining('up to date') });
  });

  test('finds no difference between the migrations and the schema, and would say so', async () => {
    const difference = (from: string[]) =>
      prisma(database.url, ['migrate', 'diff', ...from, '--to-schema', 'prisma/schema.prisma', '--exit-code']);
    expect(await difference(['--from-migrations', 'prisma/migrations'])).toMatchObject({ code: 0 });
    expect(await difference(['--from-empty'])).toMatchObject({ code: 2 });
  });
});

function prisma(url: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const env = { ...process.env, DATABASE_URL: url };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['node_modules/prisma/build/index.js', ...args], { cwd: ROOT, env }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}
