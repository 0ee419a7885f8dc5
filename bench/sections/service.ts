import { setTimeout as delay } from 'node:timers/promises';
import { type ApiClient, createApiClient } from '../../src/cli/demo/api-client.ts';
import { startServer } from '../api-server.ts';
import { beginPeak, HAS_PROC, peakResidentBytes, residentBytes } from '../processes.ts';
import { openSide, type Side } from '../sides/side.ts';
import { sines } from '../training-request.ts';
import type { Workload } from '../workloads.ts';
import { alma, type Bench } from './bench.ts';

const MIB = 2 ** 20;
/** A worker may grow by this beside what the job needs. */
const SLACK_BYTES = 64 * MIB;
/** More than 20 also when the first epochs were slow ones. */
const JOB_SECONDS = 25;
const JOB_ROUNDS = 3;
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

/**
 * The same job through the API and on the engine alone, in turn. A shared machine slows a core down by a fifth for seconds, which is
 * more than what is looked for: so each side's job is reckoned from its lower quartile of an epoch and its shortest rest.
 */
async function measureOverhead({ report }: Bench, api: ApiClient, dataset: Dataset): Promise<void> {
  const engine = await openEngine();
  const epochs = Math.ceil(JOB_SECONDS / ((await engine.round(TRIAL_EPOCHS)) / TRIAL_EPOCHS));
  const bare = new JobTimes();
  const service = new JobTimes();
  const elapsed: number[] = [];
  for (let round = 0; round < JOB_ROUNDS; round++) {
    elapsed.push(await engine.round(epochs, PATIENCE_MS));
    const job = await train(api, request(dataset, epochs, JOB.batchSize));
    service.add(elapsedOf(job), await epochSeconds(api, job));
  }
  const { epoch_seconds = [] } = await engine.end();
  // Its first round was the trial.
  for (const [round, seconds] of elapsed.entries()) bare.add(seconds, epoch_seconds[round + 1] ?? []);
  const percent = (of: (times: JobTimes) => number): number => (of(service) / of(bare) - 1) * 100;
  const seconds = (of: (times: JobTimes) => number): string => `${of(service).toFixed(2)} s, on the engine alone ${of(bare).toFixed(2)} s`;
  const reckoned = (times: JobTimes): number => times.epoch * epochs + times.rest;
  report.add({
    measure: 'service_overhead',
    value: percent(reckoned),
    unit: '%',
    detail: `a job of ${epochs} epochs, from queued to succeeded: ${seconds(reckoned)}; beside its epochs ${seconds((times) => times.rest)}`,
  });
  report.add({
    measure: 'service_overhead_by_the_clock',
    value: percent((times) => times.elapsed),
    unit: '%',
    detail: `the shortest of ${JOB_ROUNDS} each: ${seconds((times) => times.elapsed)}`,
  });
}

/** How long the jobs of one side took. */
class JobTimes {
  readonly #epochs: number[] = [];
  /** Seconds of the shortest. */
  elapsed = Number.POSITIVE_INFINITY;
  /** The least seconds that a job took beside its epochs. */
  rest = Number.POSITIVE_INFINITY;

  add(elapsed: number, epochs: readonly number[]): void {
    this.#epochs.push(...epochs);
    this.elapsed = Math.min(this.elapsed, elapsed);
    this.rest = Math.min(this.rest, elapsed - epochs.reduce((total, seconds) => total + seconds, 0));
  }

  /** The lower quartile of all epochs, in seconds. */
  get epoch(): number {
    return this.#epochs.toSorted((a, b) => a - b)[Math.floor(this.#epochs.length / 4)] ?? Number.NaN;
  }
}

async function epochSeconds(api: ApiClient, { id }: Job): Promise<number[]> {
  const { data } = await api.json<{ data: readonly { seconds: number }[] }>('GET', `/v1/jobs/${id}/epochs?limit=1000`);
  return data.map(({ seconds }) => seconds);
}

async function openEngine(): Promise<Side> {
  const { command, request: wanted } = alma('native', { kind: 'job', threads: 1, workload: JOB });
  const side = await openSide(command, wanted);
  if ('absent' in side) throw new Error(side.absent);
  return side;
}

/** Resolves when it has succeeded. */
async function train(api: ApiClient, body: object): Promise<Job> {
  const { id } = await api.json<Job>('POST', '/v1/jobs', body);
  for (;;) {
    const job = await api.json<Job>('GET', `/v1/jobs/${id}`);
    if (!ENDED.includes(job.status)) {
      await delay(POLL_MS); // Seldom, so that asking takes nothing from the training.
      continue;
    }
    if (job.status !== 'succeeded') throw new Error(`the job ended ${job.status}: ${JSON.stringify(job.error)}`);
    return job;
  }
}

/** Seconds from queued to succeeded, by the service's own clock. */
function elapsedOf(job: Job): number {
  return (timeOf(job, 'succeeded') - timeOf(job, 'queued')) / 1000;
}

function timeOf({ timeline }: Job, status: string): number {
  return Date.parse(timeline.find((entry) => entry.status === status)?.at ?? '');
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
