// `npm run api-key -- --name ci`: makes an API key and prints it, once. Works beside a running server.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createApiKeyService } from '../api-keys/api-key-service.ts';
import { createApiKeyStore } from '../api-keys/api-key-store.ts';
import { ConfigError, loadConfig } from '../config.ts';
import { openDatabase } from '../db/database.ts';
import { migrate } from '../db/migrate.ts';
import { DEFAULT_PROJECT } from '../http/auth.ts';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres.ts';

const { values } = parseArgs({ options: { name: { type: 'string', default: 'key' } } });
try {
  await printNewKey(values.name);
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exitCode = 1;
}

async function printNewKey(name: string): Promise<void> {
  const { databaseUrl, dataDir } = loadConfig({ ...process.env, ROLE: 'all' });
  const embedded =
    databaseUrl === null ? await startEmbeddedPostgres({ dataDir: join(resolve(dataDir), 'postgres'), database: 'alma' }) : null;
  try {
    const url = databaseUrl ?? embedded?.url ?? '';
    await migrate(url);
    const database = openDatabase(url, { poolSize: 1, onError: () => undefined });
    const keys = createApiKeyService({ store: createApiKeyStore(database), now: Date.now });
    const { id, key } = await keys.create(DEFAULT_PROJECT, name);
    await database.close();
    console.error(`${id} (${name}); it is shown only now:`);
    console.log(key);
  } finally {
    // A server that was running already belongs to somebody else.
    if (embedded !== null && !embedded.adopted) await embedded.stop();
  }
}
