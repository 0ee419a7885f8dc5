import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallResult, call } from './app.ts';
import { createTestDatabase } from './database.ts';
import { startTestRedis } from './redis.ts';
import { startServer, type TestServer } from './servers.ts';

export interface Service extends TestServer {
  /** Where the servers live that the service started for itself. */
  readonly dataDir: string;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<CallResult>;
  get(path: string, headers?: Record<string, string>): Promise<CallResult>;
  put(path: string, body: unknown): Promise<CallResult>;
  remove(path: string): Promise<CallResult>;
  /** The id of a stored built-in dataset. */
  dataset(builtin: string): Promise<string>;
  /** Posts a job that must be accepted and waits for its end. */
  train(body: unknown): Promise<CallResult['body']>;
  ended(job: string): Promise<CallResult['body']>;
}

/** The whole service as `npm start` runs it, in a directory of its own; with what tests ask of it most. */
export async function startService(env: Record<string, string> = {}): Promise<Service> {
  const dir = await mkdtemp(join(tmpdir(), 'alma-service-'));
  await chmod(dir, 0o711); // The embedded server drops to an account that must get in.
  const given = await openGivenServers();
  const dataDir = join(dir, 'data');
  const server = await startServer({ DATA_DIR: dataDir, ...given.env, ...env });
  const stop = async () => {
    await server.stop();
    await given.close();
    await rm(dir, { recursive: true, force: true });
  };
  return { ...server, ...clientOf(server.url), dataDir, stop };
}

/** What is of the service's own on the servers the test run was given; where none was given, the service starts one. */
async function openGivenServers(): Promise<{ env: Record<string, string>; close(): Promise<void> }> {
  const database = isSet('TEST_DATABASE_URL') ? await createTestDatabase() : null;
  const redis = isSet('REDIS_URL') ? await startTestRedis() : null;
  return {
    env: { ...(database && { DATABASE_URL: database.url }), ...(redis && { REDIS_URL: redis.url }) },
    close: async () => {
      await redis?.stop();
      await database?.drop();
    },
  };
}

function isSet(variable: string): boolean {
  return (process.env[variable] ?? '') !== '';
}

/** Calls on one base URL. */
export function clientOf(url: string) {
  const get = (path: string, headers: Record<string, string> = {}) => call(`${url}${path}`, { headers });
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    call(`${url}${path}`, { method: 'POST', body, headers });
  const ended = async (job: string) => {
    for (;;) {
      const { body } = await get(`/v1/jobs/${job}?wait=30`);
      if (['succeeded', 'failed', 'cancelled'].includes(body.status)) return body;
    }
  };
  return {
    get,
    post,
    ended,
    put: (path: string, body: unknown) => call(`${url}${path}`, { method: 'PUT', body }),
    remove: (path: string) => call(`${url}${path}`, { method: 'DELETE' }),
    async dataset(builtin: string): Promise<string> {
      return must(await post('/v1/datasets', { name: builtin, builtin }), 201).id;
    },
    async train(request: unknown) {
      return ended(must(await post('/v1/jobs', request), 202).id);
    },
  };
}

function must({ status, body }: CallResult, expected: number): CallResult['body'] {
  if (status !== expected) throw new Error(`expected ${expected}, received ${status}: ${JSON.stringify(body)}`);
  return body;
}
