import type pg from 'pg';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { createTestDatabase } from './database.ts';
import { type Program, runProgram } from './processes.ts';
import { openTestQueueStore, type TestQueueStore } from './queue-stores.ts';
import { startServer } from './servers.ts';
import { clientOf } from './service.ts';

export interface SplitService {
  readonly client: ReturnType<typeof clientOf>;
  /** The service's tables. */
  readonly pool: pg.Pool;
  /** Starts one more worker, of one job at a time, and waits until it takes jobs. */
  startWorker(env?: Record<string, string>): Promise<Program>;
  stop(): Promise<void>;
}

/** An API process and, in processes of their own, as many workers as are started. */
export async function startSplitService(kind: TestQueueStore['config']['store']): Promise<SplitService> {
  const database = await createTestDatabase();
  const queue = await openTestQueueStore(kind, database.url);
  const { store, url } = queue.config;
  const shared = { DATABASE_URL: database.url, QUEUE: store, REDIS_URL: store === 'redis' ? url : '' };
  const api = await startServer({ ...shared, ROLE: 'api' });
  const tables: Database = openDatabase(database.url, { poolSize: 2, onError: () => undefined });
  const workers: Program[] = [];
  return {
    client: clientOf(api.url),
    pool: tables.pool,
    startWorker: async (env = {}) => {
      const worker = runProgram('src/main.ts', [], { ...shared, ROLE: 'worker', WORKER_CONCURRENCY: '1', LOG_LEVEL: 'info', ...env });
      workers.push(worker);
      await worker.line(/worker_ready/);
      return worker;
    },
    stop: async () => {
      for (const worker of workers) {
        worker.child.kill('SIGKILL');
        await worker.exit();
      }
      await api.stop();
      await tables.close();
      await queue.close();
      await database.drop();
    },
  };
}
