import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/db/migrate.ts';
import { startEmbeddedPostgres } from '../../src/runtime/embedded-postgres.ts';
import { databaseUrl, TEMPLATE } from './database-names.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A database of the test server from which others are created. */
    adminUrl: string;
  }
}

/** One server for the whole run: the one of TEST_DATABASE_URL, else an embedded one; one template, migrated once. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await testServer();
  const client = new pg.Client({ connectionString: server.adminUrl });
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${TEMPLATE}`);
  await client.query(`CREATE DATABASE ${TEMPLATE}`);
  await client.end();
  await migrate(databaseUrl(server.adminUrl, TEMPLATE));
  project.provide('adminUrl', server.adminUrl);
  return server.stop;
}

async function testServer(): Promise<{ adminUrl: string; stop(): Promise<void> }> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined && given !== '') return { adminUrl: given, stop: async () => {} };
  const dir = await mkdtemp(join(tmpdir(), 'alma-test-'));
  await chmod(dir, 0o711); // Run by root, the server drops to an account that must get in.
  const server = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres'), database: 'alma', durable: false });
  return {
    adminUrl: server.url,
    stop: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
