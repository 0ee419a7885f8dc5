import type { Invariant } from '../harness/invariant.ts';
import { ended } from '../harness/jobs.ts';
import { residentBytes } from '../harness/processes.ts';
import type { Api, World } from '../harness/world.ts';

const MIB = 1024 * 1024;
const API_BYTES_MAX = 512 * MIB;
const ARENA_BYTES_MAX = 256 * MIB;
/** What a worker's first training may take beside what it was announced to need. */
const THREAD_BYTES = 64 * MIB;
const SAMPLE_MS = 100;
const AT_ONCE = 20;
const DOWNLOADS_AT_ONCE = 5;

/** Many large requests at once, and the largest jobs that are accepted. */
export const boundedMemory: Invariant = {
  id: 'I16',
  promise: 'Memory is bounded: 512 MiB for the API with uploads of up to 8 MiB, and for a training what it was announced to need.',
  queues: ['postgres'],
  async try(world) {
    const { report } = world;
    const api = await world.startApi({ env: { UPLOAD_BYTES_MAX: String(8 * MIB), ARENA_BYTES_MAX: String(ARENA_BYTES_MAX) } });
    const rounds = world.times({ pr: 1, nightly: 20, weekly: 100 });
    const peak = await peakOf(api.pid, async () => {
      for (let n = 0; n < rounds; n += 1) await flood(world, api);
    });
    report.figure('largest memory of the API', `${Math.round(peak / MIB)} MiB`);
    report.check(peak < API_BYTES_MAX, `the API takes ${Math.round(peak / MIB)} MiB at most`);
    const dataset = await api.dataset('digits');
    const largest = await largestAdmitted(api, dataset, dense);
    const job = await trainTheLargest(world, api, { ...largest, status: 'succeeded' });
    await trainTheLargest(world, api, { ...(await largestAdmitted(api, dataset, diverging)), status: 'failed' });
    const peakOfDownloads = await peakOf(api.pid, () => downloadStates(world, api, job));
    report.figure('largest memory of the API while states are read', `${Math.round(peakOfDownloads / MIB)} MiB`);
    report.check(peakOfDownloads < API_BYTES_MAX, `the API takes ${Math.round(peakOfDownloads / MIB)} MiB at most`);
    report.check(api.deaths.length === 0, 'the API was not ended by it');
  },
};

/** The largest memory a process holds while something is done. */
async function peakOf(pid: number, act: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes(pid));
  }, SAMPLE_MS);
  await act().finally(() => clearInterval(timer));
  return peak;
}

/** A job that is the largest of its kind, in a worker that has trained nothing before. Returns its id. */
async function trainTheLargest(
  world: World,
  api: Api,
  { accepted, refused, bytes, status }: Largest & { status: string },
): Promise<string> {
  const { report } = world;
  const reply = await api.post('/v1/jobs', refused);
  report.check(reply.status === 422, `a job beyond the limit is refused: ${reply.status}`);
  const worker = await world.startWorker();
  const before = residentBytes(worker.pid);
  const id = await api.job(accepted);
  const peak = await peakOf(worker.pid, async () => {
    report.injected('a job at the limit');
    const job = await ended(world, api, id);
    report.check(job.status === status, `a job at the limit has ${status}: ${job.status}`);
  });
  await worker.stop();
  const allowed = bytes + THREAD_BYTES;
  const figure = `${Math.round((peak - before) / MIB)} MiB, announced were ${Math.round(bytes / MIB)} MiB`;
  report.figure(`growth of a worker whose job has ${status}`, figure);
  report.check(peak - before < allowed, `a worker stays within what was announced: ${figure}`);
  return id;
}

/** The weights in the newest state of a job, several times at once. */
async function downloadStates({ report }: World, api: Api, job: string): Promise<void> {
  const { body } = await api.get(`/v1/jobs/${job}/checkpoints`);
  const path = `/v1/jobs/${job}/checkpoints/${body.data[0].id}/weights`;
  const download = () => fetch(`${api.url}${path}`).then(async (reply) => [reply.status, await bytesOf(reply)] as const);
  const replies = await Promise.all(Array.from({ length: DOWNLOADS_AT_ONCE }, download));
  for (const [status, bytes] of replies) {
    report.injected('a download of a state');
    report.check(status === 200 && bytes > 0 && bytes === replies[0]?.[1], `a state is downloaded: ${status}, ${bytes} bytes`);
  }
}

async function bytesOf({ body }: Response): Promise<number> {
  let bytes = 0;
  for await (const piece of body ?? []) bytes += piece.length;
  return bytes;
}

interface Largest {
  /** The largest that is accepted, with the memory it is announced to need, and one that is larger by a unit. */
  readonly accepted: object;
  readonly bytes: number;
  readonly refused: object;
}

async function largestAdmitted(api: Api, dataset: string, kind: typeof dense): Promise<Largest> {
  let [units, tooMany, bytes] = [1, 100_000, 0];
  while (tooMany - units > 1) {
    const middle = Math.floor((units + tooMany) / 2);
    const { body } = await api.post('/v1/models/validate', kind(dataset, middle));
    if (body?.valid === true) [units, bytes] = [middle, body.memory_bytes];
    else tooMany = middle;
  }
  return { accepted: kind(dataset, units), bytes, refused: kind(dataset, tooMany) };
}

/** One whose fault is looked for after its first updates. */
function diverging(dataset: string, units: number): object {
  return dense(dataset, units, { optimizer: { type: 'sgd', learning_rate: 1e30 } });
}

function dense(dataset: string, units: number, training: object = {}): object {
  const layers = [
    { type: 'dense', units, activation: 'relu' },
    { type: 'dense', units: 1024, activation: 'relu' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ];
  return { dataset, target: 'digit', spec: { layers }, training: { epochs: 2, batch_size: 256, ...training } };
}

async function flood({ report }: World, api: Api): Promise<void> {
  const rows = Buffer.from(`a,b\n${'1.5,2.5\n'.repeat((4 * MIB) / 8)}`);
  const tooLarge = Buffer.alloc(16 * MIB, '1,2\n');
  const kinds = [
    ['an upload of 4 MiB', () => upload(api, rows), 201],
    ['an upload that is too large', () => upload(api, tooLarge), 413],
    ['a body that is too large', () => api.post('/v1/jobs', { metadata: 'x'.repeat(4 * MIB) }).then(({ status }) => status), 413],
    [
      'a body nested very deeply',
      () => api.post('/v1/jobs', JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`)).then(({ status }) => status),
      400,
    ],
  ] as const;
  for (const [what, send, expected] of kinds) {
    const statuses = await Promise.all(Array.from({ length: AT_ONCE }, send));
    for (const status of statuses) {
      report.injected(what);
      // One that is refused early may find its connection closed.
      report.check(status === expected || (expected === 413 && status === 0), `${what} is answered with ${status}, not ${expected}`);
    }
  }
}

async function upload({ url }: Api, bytes: Buffer<ArrayBuffer>): Promise<number> {
  const form = new FormData();
  form.set('file', new Blob([bytes]), 'rows.csv');
  form.set('name', 'rows');
  return fetch(`${url}/v1/datasets`, { method: 'POST', body: form }).then(
    (reply) => reply.arrayBuffer().then(() => reply.status),
    () => 0,
  );
}
