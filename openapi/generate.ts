// Writes openapi/openapi.json from the routes of the application. Nothing listens and no database is asked.
import { writeFile } from 'node:fs/promises';
import pino from 'pino';
import { buildApp } from '../src/app.ts';
import { createBlobStore } from '../src/blobs/blob-store.ts';
import { loadConfig } from '../src/config.ts';
import { openDatabase } from '../src/db/database.ts';
import { createServices } from '../src/services.ts';

export const OPENAPI_FILE = new URL('openapi.json', import.meta.url);

/** The text of the OpenAPI document: the same for the same routes, whatever the machine and its environment. */
export async function generateOpenapi(): Promise<string> {
  const logger = pino({ level: 'silent' });
  const config = loadConfig({});
  const database = openDatabase('postgres://nobody@127.0.0.1:1/none', { poolSize: 1, onError: () => undefined });
  const listener = { on: () => () => undefined, close: async () => undefined };
  const services = createServices({ config, database, listener, blobs: createBlobStore(database.pool) });
  const app = await buildApp({ config, logger, services, readiness: {} });
  try {
    await app.ready();
    return `${JSON.stringify(app.swagger(), null, 2)}\n`;
  } finally {
    await app.close();
    await database.close();
  }
}

if (import.meta.main) await writeFile(OPENAPI_FILE, await generateOpenapi());
