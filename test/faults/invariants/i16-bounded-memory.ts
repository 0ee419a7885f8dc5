import type { Invariant } from '../harness/invariant.ts';
import { residentBytes } from '../harness/processes.ts';
import type { Api, World } from '../harness/world.ts';

const MIB = 1024 * 1024;
const API_BYTES_MAX = 512 * MIB;
const SAMPLE_MS = 100;
const AT_ONCE = 20;

/** Many large requests at once. */
export const boundedMemory: Invariant = {
  id: 'I16',
  promise: 'The API stays below 512 MiB of memory, whatever is sent to it.',
  queues: ['postgres'],
  async try(world) {
    const api = await world.startApi({ env: { UPLOAD_BYTES_MAX: String(8 * MIB) } });
    let peak = 0;
    const timer = setInterval(() => {
      peak = Math.max(peak, residentBytes(api.pid));
    }, SAMPLE_MS);
    try {
      for (let n = 0; n < world.times({ pr: 1, nightly: 20, weekly: 100 }); n += 1) await flood(world, api);
    } finally {
      clearInterval(timer);
    }
    world.report.figure('largest memory of the API', `${Math.round(peak / MIB)} MiB`);
    world.report.check(peak < API_BYTES_MAX, `the API takes ${Math.round(peak / MIB)} MiB at most`);
    world.report.check(api.deaths.length === 0, 'the API was not ended by it');
  },
};

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
