import { setTimeout as delay } from 'node:timers/promises';
import { type ApiClient, createApiClient } from '../../src/cli/demo/api-client.ts';
import { startServer } from '../api-server.ts';
import { beginPeak, cpuSeconds, HAS_PROC, peakResidentBytes, residentBytes } from '../processes.ts';
import { openSide, type Side } from '../sides/side.ts';
import { sines } from '../training-request.ts';
import type { Workload } from '../workloads.ts';
import { alma, type Bench } from './bench.ts';

const MIB = 2 ** 20;
/** A worker may grow by this beside what the job needs. */
const SLACK_BYTES = 64 * MIB;
const JOB_SECONDS = 21;
const JOB_ROUNDS = 2;
/** Epochs by which the length of a job is estimated. */
const TRIAL_EPOCHS = 5;
const PATIENCE_MS = 180_000;
const POLL_MS = 250;
const ENDED = ['succeeded', 'failed', 'cancelled'];

/** Images of 8 x 8; a fifth of the rows validates. */
const JOB: Workload = {
  name: 'job',
  task: 'classification',
  features: 64,
  classes: 10,
  batchSize: 32,
  steps: 45,
  spec: {
    input_shape: [8, 8, 1],
    layers: [
      { type: 'conv2d', filters: 64, kernel_size: 3, activation: 'relu' },
      { type: 'conv2d', filters: 128, kernel_size: 3, activation: 'relu' },
      { type: 'flatten' },
      { type: 'dense', units: 10, activation: 'softmax' },
    ],
  },
};
const ROWS = (JOB.batchSize * JOB.steps * 5) / 4;

interface Job {
  readonly id: string;
  readonly status: string;
  readonly error: unknown;
  readonly timeline: readonly { readonly status: string; readonly at: string }[];
}

interface Dataset {
  readonly id: string;
  readonly bytes: number;
}

/** What the service costs over the bare engine: time of a job, and memory of its worker. */
export async function measureService(bench: Bench): Promise<void> {
  const server = await startServer();
  try {
    const api = createApiClient({ url: server.url, key: null });
    const dataset = await upload(api);
    await measureMemory(bench, api, dataset);
    await measureOverhead(bench, api, dataset);
  } finally {
    await server.stop();
  }
}

function upload(api: ApiClient): Promise<Dataset> {
  const names = Array.from({ length: JOB.features }, (_, i) => `p${i}`);
  const values = sines(ROWS * JOB.features);
  const lines = Array.from({ length: ROWS }, (_, row) => {
    const cells = Array.from(values.subarray(row * JOB.features, (row + 1) * JOB.features), (value) => value.toFixed(5));
    return [...cells, row % JOB.classes].join(',');
  });
  const form = new FormData();
  form.set('name', 'sines');
  form.set('file', new Blob([[[...names, 'class'].join(','), ...lines].join('\n')]), 'sines.csv');
  return api.json<Dataset>('POST', '/v1/datasets', form);
}

/** What a job asks for, in the words of the API. */
function request(dataset: Dataset, epochs: number, batch_size: number) {
  return {
    dataset: dataset.id,
    spec: JOB.spec,
    target: 'class',
    task: JOB.task,
    split: { validation: 0.2, test: 0 },
    training: { epochs, batch_size, metrics: ['accuracy'], optimizer: { type: 'adam', learning_rate: 0.001 } },
  };
}

/** The most a worker holds during its first job, over what it held before, beside what the job was announced to need. */
async function measureMemory({ report }: Bench, api: ApiClient, dataset: Dataset): Promise<void> {
  if (!HAS_PROC) return;
  const body = request(dataset, 3, ROWS);
  const { split: _split, task: _task, ...announced } = body;
  const { memory_bytes } = await api.json<{ memory_bytes: number }>('POST', '/v1/models/validate', announced);
  const pid = await workerPid(api);
  const before = await residentBytes(pid);
  await beginPeak(pid);
  await train(api, body);
  const growth = (await peakResidentBytes(pid)) - before;
  const allowed = memory_bytes + dataset.bytes + SLACK_BYTES;
  const parts = `announced ${mib(memory_bytes)} + dataset ${mib(dataset.bytes)} + ${mib(SLACK_BYTES)} = ${mib(allowed)}`;
  report.add({ measure: 'worker_memory_growth', value: growth / MIB, unit: 'MiB', detail: `first job of a worker; ${parts}` });
}

async function workerPid(api: ApiClient): Promise<number> {
  const { data } = await api.json<{ data: readonly { pid: number }[] }>('GET', '/v1/workers');
  const pid = data[0]?.pid;
  if (pid === undefined) throw new Error('there is no worker');
  return pid;
}

/** The same job through the API and on the engine alone, in turn; the best of each counts. */
async function measureOverhead({ report }: Bench, api: ApiClient, dataset: Dataset): Promise<void> {
  const engine = await openEngine();
  const epochs = Math.ceil(JOB_SECONDS / ((await engine.round(TRIAL_EPOCHS)) / TRIAL_EPOCHS));
  const worker = await workerPid(api);
  const bare = new Best();
  const service = new Best();
  for (let round = 0; round < JOB_ROUNDS; round++) {
    await bare.measure(engine.pid, () => engine.round(epochs, PATIENCE_MS));
    await service.measure(worker, () => train(api, request(dataset, epochs, JOB.batchSize)));
  }
  await engine.end();
  const compare = (measure: string, what: 'elapsed' | 'cpu', detail: string): void => {
    const [inService, alone] = [service[what], bare[what]];
    const value = (inService / alone - 1) * 100;
    report.add({ measure, value, unit: '%', detail: `${detail}: ${inService.toFixed(2)} s, on the engine alone ${alone.toFixed(2)} s` });
  };
  compare('service_overhead', 'elapsed', `a job of ${epochs} epochs, from queued to succeeded`);
  if (HAS_PROC) compare('service_cpu_overhead', 'cpu', 'time of processors in the worker for that job');
}

/** The shortest of several runs, by the clock and by the time of processors. */
class Best {
  elapsed = Number.POSITIVE_INFINITY;
  cpu = Number.POSITIVE_INFINITY;

  /** `run` answers its seconds; the work is done in the process `pid`. */
  async measure(pid: number, run: () => Promise<number>): Promise<void> {
    const before = HAS_PROC ? await cpuSeconds(pid) : 0;
    this.elapsed = Math.min(this.elapsed, await run());
    if (HAS_PROC) this.cpu = Math.min(this.cpu, (await cpuSeconds(pid)) - before);
  }
}

async function openEngine(): Promise<Side> {
  const { command, request: wanted } = alma('native', { kind: 'job', threads: 1, workload: JOB });
  const side = await openSide(command, wanted);
  if ('absent' in side) throw new Error(side.absent);
  return side;
}

/** Seconds from queued to succeeded, by the service's own clock. */
async function train(api: ApiClient, body: object): Promise<number> {
  const { id } = await api.json<Job>('POST', '/v1/jobs', body);
  for (;;) {
    const job = await api.json<Job>('GET', `/v1/jobs/${id}`);
    if (!ENDED.includes(job.status)) {
      await delay(POLL_MS); // Seldom, so that asking takes nothing from the training.
      continue;
    }
    if (job.status !== 'succeeded') throw new Error(`the job ended ${job.status}: ${JSON.stringify(job.error)}`);
    return (timeOf(job, 'succeeded') - timeOf(job, 'queued')) / 1000;
  }
}

function timeOf({ timeline }: Job, status: string): number {
  return Date.parse(timeline.find((entry) => entry.status === status)?.at ?? '');
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
