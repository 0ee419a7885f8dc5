import { createBlobStore } from '../../src/blobs/blob-store.ts';
import type { BuiltinName } from '../../src/datasets/builtins.ts';
import { createExecutionStore } from '../../src/jobs/execution-store.ts';
import { call, startTestApp } from '../support/app.ts';
import { IDENTITY } from '../support/job-rows.ts';

/** The application with one dataset of each name, and the store through which a worker would run its jobs. */
export async function startJobsApp(builtins: readonly BuiltinName[]) {
  const testApp = await startTestApp();
  const { url, database } = testApp;
  const datasets = new Map<string, string>();
  for (const builtin of builtins) {
    const { status, body } = await call(`${url}/v1/datasets`, { method: 'POST', body: { name: builtin, builtin } });
    if (status !== 201) throw new Error(`dataset ${builtin}: ${status} ${JSON.stringify(body)}`);
    datasets.set(builtin, body.id);
  }
  const blobs = createBlobStore(database.pool);
  return {
    ...testApp,
    blobs,
    executions: createExecutionStore({ pool: database.pool, blobs, leaseSeconds: 60, identity: IDENTITY, alone: true }),
    datasetId(name: BuiltinName): string {
      const id = datasets.get(name);
      if (id === undefined) throw new Error(`no dataset ${name}`);
      return id;
    },
    post: (body: unknown, headers: Record<string, string> = {}) => call(`${url}/v1/jobs`, { method: 'POST', body, headers }),
    get: (path: string, headers: Record<string, string> = {}) => call(`${url}${path}`, { headers }),
    cancel: (id: string) => call(`${url}/v1/jobs/${id}/cancel`, { method: 'POST' }),
    remove: (id: string) => call(`${url}/v1/jobs/${id}`, { method: 'DELETE' }),
  };
}

export type JobsApp = Awaited<ReturnType<typeof startJobsApp>>;

/** A request that is right for iris. */
export function irisRequest(dataset: string) {
  return {
    spec: {
      layers: [
        { type: 'dense', units: 8, activation: 'relu' },
        { type: 'dense', units: 3, activation: 'softmax' },
      ],
    },
    dataset,
    target: 'species',
    training: { epochs: 5 },
  };
}
