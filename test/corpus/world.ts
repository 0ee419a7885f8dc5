import { createApiKeyService } from '../../src/api-keys/api-key-service.ts';
import { createApiKeyStore } from '../../src/api-keys/api-key-store.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { newId } from '../../src/lib/ids.ts';
import { type CallOptions, type CallResult, call } from '../support/app.ts';
import { createTestDatabase } from '../support/database.ts';
import { insertJob } from '../support/job-rows.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { type BadRequest, send } from './bad-request.ts';

const OWNER_KEY = 'alma_corpus_owner_key';
/** Small, so that what is too large need not be large. */
const UPLOAD_BYTES_MAX = 2 * 1024 * 1024;

/** The real server as a process of its own, keys required, with something in it that bad requests could damage. */
export interface World {
  readonly server: TestServer;
  readonly database: Database;
  /** What `{name}` stands for in requests. */
  readonly names: Readonly<Record<string, string>>;
  readonly otherKey: string;
  call(path: string, options?: CallOptions): Promise<CallResult>;
  /** A row of the corpus, sent with the owner's key unless it brings another one. */
  send(row: BadRequest): Promise<CallResult>;
  /** How many rows there are of everything a request could create. */
  counts(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** Starts it and trains a model: a dataset, an ended and a running job, a version, a deployment. */
export async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const testDatabase = await createTestDatabase();
  const server = await startServer({
    DATABASE_URL: testDatabase.url,
    QUEUE: 'postgres',
    AUTH: 'on',
    API_KEY: OWNER_KEY,
    UPLOAD_BYTES_MAX: String(UPLOAD_BYTES_MAX),
    WORKER_CONCURRENCY: '1',
    ...env,
  });
  const database = openDatabase(testDatabase.url, { poolSize: 3, onError: () => undefined });
  await database.prisma.project.create({ data: { id: 'prj_other', name: 'other' } });
  const apiKeys = createApiKeyService({ store: createApiKeyStore(database), now: Date.now });
  const other = await apiKeys.create('prj_other', 'other');
  const revoked = await apiKeys.create('prj_other', 'revoked');
  await apiKeys.revoke('prj_other', revoked.id);

  const asOwner = (path: string, options: CallOptions = {}) =>
    call(server.url + path, { ...options, headers: { authorization: `Bearer ${OWNER_KEY}`, ...options.headers } });
  const things = await furnish(database, asOwner);
  const names = { ...things, revoked_key: revoked.key, key: OWNER_KEY };
  return {
    server,
    database,
    names,
    otherKey: other.key,
    call: asOwner,
    send: (row) => send(row, { url: server.url, names }),
    counts: () => counts(database),
    close: async () => {
      await database.close();
      await server.stop();
      await testDatabase.drop();
    },
  };
}

async function furnish(database: Database, asOwner: World['call']): Promise<Record<string, string>> {
  const iris = await made(asOwner('/v1/datasets', { method: 'POST', body: { name: 'iris', builtin: 'iris' } }));
  const spare = await made(asOwner('/v1/datasets', { method: 'POST', body: { name: 'xor', builtin: 'xor' } }));
  const job = await made(
    asOwner('/v1/jobs', {
      method: 'POST',
      body: {
        spec: { layers: [{ type: 'dense', units: 3, activation: 'softmax' }] },
        dataset: iris.id,
        target: 'species',
        training: { epochs: 3 },
        on_success: { model: 'flowers' },
        diagnostics: true,
      },
    }),
  );
  for (let status = ''; status !== 'succeeded'; ) {
    ({ status } = (await asOwner(`/v1/jobs/${job.id}?wait=30`)).body);
    if (['failed', 'cancelled'].includes(status)) throw new Error(`the model of the corpus is not trained: ${status}`);
  }
  await made(asOwner('/v1/deployments/flowers', { method: 'PUT', body: { model: 'flowers' } }));
  const checkpoints = await made(asOwner(`/v1/jobs/${job.id}/checkpoints`));
  return {
    iris: iris.id,
    xor: spare.id,
    job: job.id,
    checkpoint: checkpoints.data[0].id,
    running: await insertRunningJob(database, iris.id),
  };
}

/** A job some worker elsewhere holds, for as long as the test runs. */
async function insertRunningJob({ pool }: Database, datasetId: string): Promise<string> {
  const request = { kind: 'training', dataset: datasetId, target: 'species', training: { epochs: 9 } };
  const id = await insertJob(pool, { datasetId, request, doorbell: false });
  await pool.query(
    `UPDATE job SET status = 'running', attempt = 1, fence = 1, worker_id = $2, lease_until = now() + interval '1 day' WHERE id = $1`,
    [id, newId('worker')],
  );
  return id;
}

async function made(reply: Promise<CallResult>): Promise<CallResult['body']> {
  const { status, body } = await reply;
  if (status >= 300) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return body;
}

const TABLES = ['dataset', 'job', 'outbox', 'model', 'model_version', 'deployment', 'idempotency_key', 'blob'];

async function counts({ pool }: Database): Promise<Record<string, number>> {
  const columns = TABLES.map((table) => `(SELECT count(*) FROM ${table})::int AS ${table}`);
  const { rows } = await pool.query<Record<string, number>>(`SELECT ${columns.join(', ')}`);
  return rows[0] ?? {};
}
