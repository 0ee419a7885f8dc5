import { expect, test } from 'vitest';
import { createBlobStore } from '../../src/blobs/blob-store.ts';
import { createDatasetService } from '../../src/datasets/dataset-service.ts';
import { createDatasetStore, type DatasetStore } from '../../src/datasets/dataset-store.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createTestDatabase } from '../support/database.ts';

const LIMITS = { rowsMax: 100, columnsMax: 10, datasetMemoryBytes: 1e6 };

test('a dataset keeps its rows although the answer to its commit is lost', async () => {
  const testDatabase = await createTestDatabase();
  const database = openDatabase(testDatabase.url, { poolSize: 2, onError: () => undefined });
  try {
    const store = createDatasetStore({ database });
    const create: DatasetStore['create'] = async (...dataset) => {
      await store.create(...dataset);
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    };
    const datasets = createDatasetService({
      store: { ...store, create },
      blobs: createBlobStore(database.pool),
      database,
      limits: LIMITS,
      cacheBytesMax: 1e6,
    });
    const request = { name: 'two', content: { kind: 'rows', rows: [{ a: 1 }, { a: 2 }] }, schema: [] } as const;
    await expect(datasets.create('prj_default', request, async () => undefined)).rejects.toThrow('ECONNRESET');
    const [dataset] = await datasets.list('prj_default', 10, null);
    expect(dataset).toMatchObject({ name: 'two', status: 'ready' });
    expect(await datasets.readRows('prj_default', dataset?.id ?? '', 0, 2)).toEqual([{ a: 1 }, { a: 2 }]);
  } finally {
    await database.close();
    await testDatabase.drop();
  }
});
