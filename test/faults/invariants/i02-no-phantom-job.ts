import { connect } from 'node:net';
import type { Reply } from '../harness/client.ts';
import { dieAt } from '../harness/inject.ts';
import type { Invariant } from '../harness/invariant.ts';
import { tiny } from '../harness/jobs.ts';
import type { Api, World } from '../harness/world.ts';

const CALLERS = 8;

/** Requests are cut off in their middle and repeated by several callers at once. */
export const noPhantomJob: Invariant = {
  id: 'I2',
  promise: 'A request that failed left nothing, or the one job that asking again with its key returns.',
  queues: ['postgres'],
  async try(world) {
    const api = await world.startApi();
    const dataset = await api.dataset('xor');
    const body = tiny(dataset);
    const keys: string[] = [];
    const nextKey = (): string => `request-${keys.push('') - 1}`;
    for (const point of ['K1', 'K2'] as const) {
      const key = nextKey();
      await dieAt(world, api, point, { meanwhile: () => postWith(api, key, body) });
      await askAgain(world, api, key, body);
    }
    for (let n = 0; n < world.times({ pr: 18, nightly: 300, weekly: 1000 }); n += 1) {
      const key = nextKey();
      await hangUp(api, key, body);
      world.report.injected('connection cut after the request');
      await askAgain(world, api, key, body);
    }
    const [rows] = await world.query<{ jobs: number }>('SELECT count(*)::int AS jobs FROM job');
    world.report.check(rows?.jobs === keys.length, `there is one job for each of ${keys.length} keys: ${rows?.jobs}`);
  },
};

const postWith = (api: Api, key: string, body: object): Promise<Reply> => api.post('/v1/jobs', body, { 'idempotency-key': key });

async function askAgain({ report }: World, api: Api, key: string, body: object): Promise<void> {
  const replies = await Promise.all(Array.from({ length: CALLERS }, () => postWith(api, key, body)));
  const [first] = replies;
  const isOne = replies.every((reply) => reply.status === 202 && JSON.stringify(reply.body) === JSON.stringify(first?.body));
  report.check(
    isOne,
    `${CALLERS} callers with the key ${key} get one reply: ${replies.map(({ status, body }) => `${status} ${body?.id}`)}`,
  );
  const { status } = await postWith(api, key, { ...body, metadata: { other: true } });
  report.check(status === 409, `another body with the key ${key} is a conflict: ${status}`);
}

/** Sends a whole request and is gone before its reply. */
function hangUp({ url }: Api, key: string, body: object): Promise<void> {
  const { port } = new URL(url);
  const text = JSON.stringify(body);
  const head = ['POST /v1/jobs HTTP/1.1', 'host: 127.0.0.1', 'content-type: application/json', `content-length: ${text.length}`];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(`${[...head, `idempotency-key: ${key}`].join('\r\n')}\r\n\r\n${text}`, () => {
        socket.resetAndDestroy();
        resolve();
      });
    });
    socket.once('error', reject);
  });
}
