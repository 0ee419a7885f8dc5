import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallResult } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { documentedOperations, type Operation } from './document.ts';
import { damaged, mutated, mutatedCsv } from './mutations.ts';
import { expectHealthy, expectProblem } from './refusals.ts';
import { startWorld, type World } from './world.ts';

/** SEED in the environment plays a run again. */
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const RUNS = 120;
const MILLISECONDS_MAX = 4000;

const OPERATIONS = (await documentedOperations()).filter(({ example }) => example !== null);

let world: World;

beforeAll(async () => {
  console.info(`fuzzing with SEED=${SEED}`);
  // What mutations leave valid is trained, but not for long.
  world = await startWorld({ EPOCHS_MAX: '3', PARAMETERS_MAX: '10000', ARENA_BYTES_MAX: String(8 * 1024 * 1024) });
});
afterAll(async () => {
  await expectHealthy(world);
  await world.close();
});

const check = <Value>(inputs: fc.Arbitrary<Value>, property: (value: Value) => Promise<void>) =>
  fc.assert(fc.asyncProperty(inputs, property), { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: MILLISECONDS_MAX });

/** Success as documented, or a problem that is the sender's. */
function expectAnswer({ successes }: Pick<Operation, 'successes'>, reply: CallResult): void {
  if (!successes.includes(reply.status)) expectProblem(reply);
}

describe('a good body changed at random is answered', () => {
  test.each(OPERATIONS)('by $name', async (operation) => {
    const path = operation.path.replace('/datasets/{id}', `/datasets/${world.names['xor']}`).replace('{name}', 'flowers');
    await check(mutated(goodBody(operation)), async (body) => {
      expectAnswer(operation, await world.call(path, { method: operation.method, body: body ?? null }));
    });
  });
});

/** The document's example, about things that are there. */
function goodBody({ example, id }: Operation): unknown {
  const { iris } = world.names;
  switch (id) {
    case 'createJob':
      return {
        ...Object(example),
        dataset: iris,
        split: { validation: 0.2, strategy: 'random', seed: 1 },
        metadata: { a: 'b' },
        limits: { max_seconds: 5 },
        training: TRAINING,
      };
    case 'validateSpec':
      return { ...Object(example), dataset: iris, target: 'species', training: TRAINING };
    case 'createDataset':
    case 'inspectDataset':
      return {
        name: 'x',
        rows: [
          { a: 1, b: 'x', c: true },
          { a: 2.5, b: 'y', c: false },
          { a: null, b: 'x' },
        ],
        schema: [
          { name: 'a', type: 'number', missing: 'constant', fill: 0 },
          { name: 'b', categories: ['x', 'y'] },
        ],
      };
    case 'putDeployment':
      return { model: 'flowers', version: 1 };
    default:
      return example;
  }
}

const TRAINING = {
  epochs: 2,
  batch_size: 16,
  optimizer: { type: 'sgd', learning_rate: 0.1, momentum: 0.9 },
  metrics: ['accuracy'],
  early_stopping: { metric: 'val_loss', patience: 2 },
  seed: 3,
};

describe('a file changed at random is answered', () => {
  test('when its CSV is odd', async () => {
    await check(mutatedCsv(), async (bytes) => {
      const form = new FormData();
      form.append('file', new Blob([Uint8Array.from(bytes)]), 'a.csv');
      const reply = await post('/v1/datasets/inspect', form);
      expect(reply.status).toBe(200);
      const { rows, problems }: { rows: number; problems: unknown[] } = Object(await reply.json());
      // Either something is said to be wrong, or there are rows; never neither.
      expect(problems.length > 0 || rows > 0).toBe(true);
    });
  });

  test('when its form is damaged', async () => {
    const form = Buffer.from(
      '--x\r\nContent-Disposition: form-data; name="schema"\r\n\r\n[{"name":"a","type":"number"}]\r\n' +
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\na,b\n1,2\n3,4\n\r\n--x--\r\n',
    );
    await check(damaged(form), async (bytes) => {
      const reply = await post('/v1/datasets/inspect', Uint8Array.from(bytes), { 'content-type': 'multipart/form-data; boundary=x' });
      const read = { status: reply.status, headers: reply.headers, body: await reply.json() };
      expectAnswer({ successes: [200] }, read);
    });
  });
});

test('what was accepted can be trained', async () => {
  const jobs = await eventually('the last job ends', async () => {
    const { rows } = await world.database.pool.query<{ id: string; status: string; error: unknown; request: unknown }>(
      'SELECT id, status, error, request FROM job WHERE id <> $1',
      [world.names['running']],
    );
    return rows.every(({ status }) => ['succeeded', 'failed', 'cancelled'].includes(status)) ? rows : null;
  });
  const broken = jobs.filter(({ error }) => error !== null && !EXPECTED_FAILURES.has(Object(error).code));
  const told = world.server.lines.filter((line) => broken.some(({ id }) => line.includes(id)));
  expect(broken, told.join('\n')).toEqual([]);
  expect(world.server.lines.filter((line) => line.includes('worker_exited'))).toEqual([]);
});

/** Ways for a training to fail that nobody can tell before. */
const EXPECTED_FAILURES: ReadonlySet<string> = new Set(['divergence', 'time_limit']);

function post(path: string, body: FormData | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(world.server.url + path, { method: 'POST', body, headers: { authorization: `Bearer ${world.names['key']}`, ...headers } });
}
