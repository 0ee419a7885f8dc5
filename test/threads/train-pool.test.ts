import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ColumnSchema, Table } from '../../src/datasets/table.ts';
import { checkSpec, type ModelSpec } from '../../src/engine/index.ts';
import { spool } from '../../src/lib/spool.ts';
import { type ArrivedEpochs, createTrainPool, type TrainEvent, type TrainPool, type TrainRun } from '../../src/threads/train-pool.ts';
import type { TrainingTask } from '../../src/training/run-training.ts';
import { importBuiltin } from '../support/builtins.ts';

const XOR = await importBuiltin('xor');

const XOR_SPEC = normalised({
  input_shape: [2],
  layers: [
    { type: 'dense', units: 8, activation: 'tanh' },
    { type: 'dense', units: 1, activation: 'sigmoid' },
  ],
});

function normalised(posted: ModelSpec): ModelSpec {
  const { spec } = checkSpec({ spec: posted, limits: { layersMax: 10, parametersMax: 1e6, arenaBytesMax: 1e9 } });
  if (spec === null) throw new Error('the spec has faults');
  return spec;
}

/** XOR, as long as one likes. */
function xor(epochs: number, options: { resumeFrom?: { fd: number; bytes: number }; checkpointEveryEpochs?: number } = {}): TrainingTask {
  const { resumeFrom, checkpointEveryEpochs = 1 } = options;
  return {
    request: {
      kind: 'training',
      initial_weights: null,
      diagnostics: false,
      spec: XOR_SPEC,
      task: 'classification',
      target: 'y',
      features: ['x1', 'x2'],
      split: { train: 1, validation: 0, test: 0, strategy: 'random', seed: 0 },
      training: {
        epochs,
        batch_size: 4,
        loss: 'binary_cross_entropy',
        optimizer: { type: 'adam', learning_rate: 0.1, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 },
        metrics: ['accuracy'],
        seed: 1,
        shuffle: true,
        early_stopping: null,
        checkpoint: { every_epochs: checkpointEveryEpochs },
        threads: 1,
        on_divergence: 'stop',
      },
    },
    ...XOR,
    backend: 'reference',
    ...(resumeFrom !== undefined && { resumeFrom }),
  };
}

async function all(run: TrainRun): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of run.events) events.push(event);
  return events;
}

function batches(events: readonly TrainEvent[]): ArrivedEpochs[] {
  return events.filter((event) => event.type === 'epochs');
}

/** The network of a training that has ended. */
function networkOf(event: TrainEvent | undefined) {
  if (event?.type !== 'finished' || 'rates' in event.trained) throw new Error(`ended with ${JSON.stringify(event)}`);
  return event.trained;
}

function weightsOf(event: TrainEvent | undefined) {
  return networkOf(event).result.weights;
}

describe('the training threads', () => {
  let pool: TrainPool;

  beforeEach(() => {
    pool = createTrainPool({ threads: 1 });
  });

  afterEach(() => pool.close());

  it('tell of every epoch once and in order, and end with the result', async () => {
    const events = await all(pool.run(xor(300)));
    const epochs = batches(events).flatMap((batch) => batch.epochs.map(({ epoch }) => epoch));
    expect(epochs).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect(events.at(-1)).toMatchObject({ type: 'finished', trained: { result: { stop_reason: 'completed' } } });
  });

  it('give a state from which another run ends with the same weights', async () => {
    const run = pool.run(xor(400));
    const first = (await run.events.next()).value;
    if (first?.type !== 'epochs' || first.state === null) throw new Error('the first batch carries no state');
    const state = await spool(first.state.pieces(), () => undefined);
    const whole = await all(run);
    const resumed = await all(pool.run(xor(400, { resumeFrom: { fd: state.fd, bytes: state.bytes } })));
    await state.close();
    expect(batches(resumed)[0]?.epochs[0]?.epoch).toBe((first.epochs.at(-1)?.epoch ?? 0) + 1);
    expect(weightsOf(resumed.at(-1))).toEqual(weightsOf(whole.at(-1)));
  });

  it('send a state only when a checkpoint is due', async () => {
    const events = await all(pool.run(xor(50, { checkpointEveryEpochs: 1000 })));
    expect(batches(events).every(({ state }) => state === null)).toBe(true);
  });

  it('hold back a trainer whose batches nobody takes', async () => {
    const run = pool.run(xor(100_000_000));
    await run.events.next();
    let steps = run.stepsDone();
    // The trainer stands still once two batches wait: its counter stops moving.
    await expect
      .poll(
        () => {
          const moved = run.stepsDone() !== steps;
          steps = run.stepsDone();
          return moved;
        },
        { interval: 200, timeout: 20_000 },
      )
      .toBe(false);
    run.abandon();
    expect((await all(run)).at(-1)).toMatchObject({ type: 'finished', trained: { result: { stop_reason: 'abandoned' } } });
  });

  it('leave when asked to and are free for the next run', async () => {
    const run = pool.run(xor(100_000_000));
    await run.events.next();
    run.abandon();
    run.conclude();
    expect((await all(run)).at(-1)).toMatchObject({ type: 'finished', trained: { result: { stop_reason: 'abandoned' } } });
    expect((await all(pool.run(xor(3)))).at(-1)).toMatchObject({ type: 'finished' });
  });

  it('conclude when asked to, with a result', async () => {
    const run = pool.run(xor(100_000_000));
    await run.events.next();
    run.conclude();
    const end = (await all(run)).at(-1);
    expect(end).toMatchObject({
      trained: { result: { stop_reason: 'concluded', metrics: { loss: expect.any(Number), accuracy: expect.any(Number) } } },
    });
  });

  it('end with what the trained network answers to rows it was trained on', async () => {
    const { instances, predictions } = networkOf((await all(pool.run(xor(400)))).at(-1)).golden;
    expect(instances).toEqual([
      { x1: 0, x2: 0 },
      { x1: 0, x2: 1 },
      { x1: 1, x2: 1 },
    ]);
    expect(predictions.map(({ label }) => label)).toEqual([0, 1, 0]);
  });

  it('give data that cannot be trained on as a refusal for the user', async () => {
    const { table, schema } = XOR;
    const columns = table.columns.map((column) =>
      column.name === 'x1' ? { ...column, values: Float64Array.of(0, 0, Number.NaN, 1) } : column,
    );
    const events = await all(
      pool.run({ ...xor(3), table: { ...table, columns: columns as Table['columns'] }, schema: schema as ColumnSchema[] }),
    );
    expect(events).toMatchObject([
      { type: 'failed', refusal: { code: 'dataset_invalid', errors: [{ column: 'x1', code: 'missing_value' }] } },
    ]);
  });

  it('end at once when terminated, and another thread takes the next run', async () => {
    const run = pool.run(xor(100_000_000));
    await run.events.next();
    run.terminate();
    expect((await all(run)).at(-1)).toMatchObject({ type: 'failed' });
    expect((await all(pool.run(xor(3)))).at(-1)).toMatchObject({ type: 'finished' });
  });

  it('end a run that still waits for a thread', async () => {
    const busy = pool.run(xor(100_000_000));
    await busy.events.next();
    const waiting = pool.run(xor(3));
    waiting.terminate();
    expect(await all(waiting)).toMatchObject([{ type: 'failed' }]);
    busy.terminate();
    await all(busy);
  });

  it('give a failure as data', async () => {
    const broken = xor(3);
    const spec = { input_shape: [2], layers: [{ type: 'no_such_layer' }] };
    const events = await all(pool.run({ ...broken, request: { ...broken.request, spec } }));
    expect(events).toMatchObject([{ type: 'failed', message: expect.any(String), refusal: null }]);
    expect((await all(pool.run(xor(3)))).at(-1)).toMatchObject({ type: 'finished' });
  });
});
