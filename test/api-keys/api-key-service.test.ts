import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiKeyService } from '../../src/api-keys/api-key-service.ts';
import { createApiKeyStore } from '../../src/api-keys/api-key-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

const PROJECT = 'prj_default';
let testDatabase: TestDatabase;
let database: Database;
let clock = 0;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url, { poolSize: 3, onError: () => undefined });
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

/** Each has a cache of its own, as each process has. */
function service() {
  return createApiKeyService({ store: createApiKeyStore(database), now: () => clock });
}

describe('API keys', () => {
  test('are valid for the project they were made for, in every process', async () => {
    const { id, key } = await service().create(PROJECT, 'ci');
    expect(key).toMatch(/^alma_[0-9A-Z]{26}_[A-Za-z0-9_-]{43}$/);
    expect(key).toContain(id.replace('key_', ''));
    expect(await service().authenticate(key)).toBe(PROJECT);
  });

  test('are not kept in readable form', async () => {
    const { key } = await service().create(PROJECT, 'ci');
    const rows = await database.prisma.apiKey.findMany();
    expect(JSON.stringify(rows)).not.toContain(key.split('_').at(-1));
  });

  test('with a right id and a wrong secret are not valid', async () => {
    const { key } = await service().create(PROJECT, 'ci');
    expect(await service().authenticate(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`)).toBeNull();
    expect(await service().authenticate(key.toLowerCase())).toBeNull();
  });

  test('stop within thirty seconds of being revoked, and at once where they were not in use', async () => {
    const keys = service();
    const { id, key } = await keys.create(PROJECT, 'ci');
    expect(await keys.authenticate(key)).toBe(PROJECT);
    expect(await keys.revoke(PROJECT, id)).toBe(true);
    expect(await service().authenticate(key)).toBeNull();
    clock += 30_000;
    expect(await keys.authenticate(key)).toBeNull();
    expect(await keys.revoke(PROJECT, id)).toBe(false);
  });

  test('are revoked by their own project only', async () => {
    const { id, key } = await service().create(PROJECT, 'ci');
    expect(await service().revoke('prj_other', id)).toBe(false);
    expect(await service().authenticate(key)).toBe(PROJECT);
  });

  test('given from outside are made valid once', async () => {
    for (let i = 0; i < 3; i++) await service().ensure(PROJECT, 'a-key-from-the-environment');
    expect(await service().authenticate('a-key-from-the-environment')).toBe(PROJECT);
    expect(await database.prisma.apiKey.count({ where: { name: 'API_KEY' } })).toBe(1);
  });

  test('tell when they were last used', async () => {
    clock = Date.UTC(2030, 0, 1);
    const { id, key } = await service().create(PROJECT, 'ci');
    await service().authenticate(key);
    expect((await database.prisma.apiKey.findUniqueOrThrow({ where: { id } })).lastUsedAt).toEqual(new Date(clock));
  });
});
