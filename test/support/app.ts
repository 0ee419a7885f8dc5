import type { AddressInfo } from 'node:net';
import pino from 'pino';
import type { TSchema } from 'typebox';
import { Errors } from 'typebox/value';
import { buildApp } from '../../src/app.ts';
import { createBlobStore } from '../../src/blobs/blob-store.ts';
import { loadConfig } from '../../src/config.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createListener } from '../../src/db/listener.ts';
import type { App } from '../../src/http/app-type.ts';
import type { Readiness } from '../../src/http/health-routes.ts';
import { createServices, type Services } from '../../src/services.ts';
import { createTestDatabase } from './database.ts';

export interface TestApp {
  readonly app: App;
  readonly url: string;
  readonly database: Database;
  readonly services: Services;
  /** Log lines written so far, parsed. */
  readonly log: readonly LogLine[];
  close(): Promise<void>;
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [member: string]: unknown;
}

export interface TestAppOptions {
  /** Environment variables on top of the defaults. */
  readonly env?: Readonly<Record<string, string>>;
  readonly readiness?: Readiness;
  /** Routes to stand beside the real ones. */
  readonly routes?: (app: App, services: Services) => void;
}

/** The real application over a database of its own, listening on a free port. */
export async function startTestApp({ env = {}, readiness = {}, routes }: TestAppOptions = {}): Promise<TestApp> {
  const testDatabase = await createTestDatabase();
  const config = loadConfig({ DATABASE_URL: testDatabase.url, LOG_LEVEL: 'info', ...env });
  const log: LogLine[] = [];
  const logger = pino({ level: config.logLevel }, { write: (line: string) => log.push(JSON.parse(line)) });
  const onError = (error: Error): void => logger.warn({ err: error }, 'database connection broke');
  const database = openDatabase(testDatabase.url, { poolSize: 5, onError });
  const listener = createListener(testDatabase.url, { onError });
  const services = createServices({ config, database, listener, blobs: createBlobStore(database.pool) });
  const app = await buildApp({ config, logger, services, readiness });
  holdRepliesToTheirSchemas(app);
  routes?.(app, services);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    app,
    url: `http://127.0.0.1:${port}`,
    database,
    services,
    log,
    close: async () => {
      await app.close();
      await listener.close();
      await database.close();
      await testDatabase.drop();
    },
  };
}

/** A reply that is not as its route documents it becomes a 500, and with it a failed test. */
function holdRepliesToTheirSchemas(app: App): void {
  app.addHook('preSerialization', async (request, reply, payload) => {
    const replies: Record<string, TSchema> = Object(request.routeOptions.schema?.response);
    const schema = replies[reply.statusCode];
    if (schema === undefined || 'content' in schema) return payload;
    const [fault] = Errors(schema, JSON.parse(JSON.stringify(payload)));
    if (fault !== undefined)
      throw new Error(`${request.method} ${request.url} is not as documented: ${fault.instancePath} ${fault.message}`);
    return payload;
  });
}

/** A JSON request, with the reply's body read. */
export async function call(url: string, { method = 'GET', body, headers = {} }: CallOptions = {}): Promise<CallResult> {
  const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
  const reply = await fetch(url, { method, headers, ...json });
  const text = await reply.text();
  const isJson = reply.headers.get('content-type')?.includes('json') === true;
  return { status: reply.status, headers: reply.headers, body: isJson ? JSON.parse(text) : text };
}

export interface CallOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallResult {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape
  readonly body: any;
}
