// `npm run accuracy`: trains on real data through the API, once per seed, and prints what was reached beside what is wanted.
// `--seeds N` uses fewer seeds than five, `--only TEXT` the cases whose name holds the text. Ends with 1 if a case falls short.
import { parseArgs } from 'node:util';
import { type ApiClient, createApiClient } from '../src/cli/demo/api-client.ts';
import { type AccuracyCase, CASES } from './accuracy-cases.ts';
import { startServer } from './api-server.ts';

const ENDED = ['succeeded', 'failed', 'cancelled'];

interface Job {
  readonly id: string;
  readonly status: string;
  readonly error: unknown;
  readonly result: { readonly metrics: Readonly<Record<string, number>> } | null;
}

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '5' }, only: { type: 'string', default: '' } } });
const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed);
const server = await startServer();
try {
  const api = createApiClient({ url: server.url, key: null });
  console.log(`${'case'.padEnd(38)} ${seeds.map((seed) => `seed ${seed}`.padStart(8)).join('')}    mean  wanted`);
  for (const wanted of CASES.filter(({ name }) => name.includes(values.only))) {
    if (!(await measure(api, wanted))) process.exitCode = 1;
  }
} finally {
  await server.stop();
}

async function measure(api: ApiClient, { name, dataset, job, score, wanted }: AccuracyCase): Promise<boolean> {
  const { id } = await api.json<{ id: string }>('POST', '/v1/datasets', dataset);
  const posted = await Promise.all(seeds.map((seed) => api.json<Job>('POST', '/v1/jobs', { dataset: id, ...job(seed) })));
  const ended = await Promise.all(posted.map((one) => waitFor(api, one.id)));
  const scores = ended.map(({ status, error, result }) => {
    if (result === null) throw new Error(`${name}: a job ended ${status}: ${JSON.stringify(error)}`);
    return score(result.metrics);
  });
  const mean = scores.reduce((sum, value) => sum + value, 0) / scores.length;
  const reached = mean >= wanted;
  const cells = scores.map((value) => value.toFixed(4).padStart(8)).join('');
  console.log(`${name.padEnd(38)} ${cells}  ${mean.toFixed(4)}  ${wanted.toFixed(2).padStart(6)}  ${reached ? 'reached' : 'MISSED'}`);
  return reached;
}

async function waitFor(api: ApiClient, id: string): Promise<Job> {
  for (;;) {
    const job = await api.json<Job>('GET', `/v1/jobs/${id}?wait=30`);
    if (ENDED.includes(job.status)) return job;
  }
}
