// Trainings that are small enough to be killed many times, and what is asked of them afterwards.

import { BrokenPromise } from './report.ts';
import type { Api, World } from './world.ts';

/** Milliseconds of work. */
export function tiny(dataset: string): object {
  const spec = { layers: [{ type: 'dense', units: 1, activation: 'sigmoid' }] };
  return { dataset, target: 'y', task: 'classification', spec, split: { validation: 0 }, training: { epochs: 2 } };
}

/** Dense with dropout and Adam on handwritten digits: some seconds in epochs that travel one by one; the last batch is ragged. */
export function mlp(dataset: string, training: object = {}): object {
  const layers = [
    { type: 'dense', units: 128, activation: 'relu' },
    { type: 'dropout', rate: 0.2 },
    { type: 'dense', units: 10, activation: 'softmax' },
  ];
  return digits(dataset, layers, { epochs: 40, batch_size: 8, seed: 5, ...training });
}

/** A convolution with batch normalization, dropout, momentum and a schedule. */
export function cnn(dataset: string, training: object = {}): object {
  const layers = [
    { type: 'conv2d', filters: 8, kernel_size: 3, activation: 'relu' },
    { type: 'batch_normalization' },
    { type: 'max_pooling2d' },
    { type: 'flatten' },
    { type: 'dropout', rate: 0.3 },
    { type: 'dense', units: 10, activation: 'softmax' },
  ];
  const optimizer = { type: 'sgd', learning_rate: 0.05, momentum: 0.9 };
  const schedule = { type: 'cosine_decay', decay_steps: 2000 };
  return digits(dataset, layers, { epochs: 40, batch_size: 32, seed: 6, optimizer, schedule, ...training }, [8, 8, 1]);
}

/** An epoch of it takes long: it must be left in its middle. */
export function wide(dataset: string): object {
  const layers = [
    { type: 'dense', units: 2048, activation: 'relu' },
    { type: 'dense', units: 2048, activation: 'relu' },
    { type: 'dense', units: 2048, activation: 'relu' },
    { type: 'dense', units: 10, activation: 'softmax' },
  ];
  return { dataset, target: 'digit', task: 'classification', spec: { layers }, training: { epochs: 3, batch_size: 1 } };
}

function digits(dataset: string, layers: readonly object[], training: object, inputShape?: readonly number[]): object {
  const spec = { ...(inputShape && { input_shape: inputShape }), layers };
  return { dataset, target: 'digit', task: 'classification', spec, training };
}

/** A forecast by an LSTM that stops early or not, and takes its best weights. */
export function lstm(dataset: string, training: object = {}): object {
  const spec = {
    layers: [
      { type: 'lstm', units: 16 },
      { type: 'dense', units: 1 },
    ],
  };
  const window = { history: 24, order_by: 'week', relative: 'last' };
  const early_stopping = { metric: 'val_loss', patience: 15, min_delta: 0, restore_best: true };
  const optimizer = { type: 'adam', learning_rate: 0.005 };
  return {
    dataset,
    target: 'ppm',
    window,
    spec,
    training: { epochs: 30, batch_size: 32, seed: 7, optimizer, early_stopping, ...training },
  };
}

export interface EndedJob {
  readonly id: string;
  readonly status: string;
  readonly stop_reason: string;
  readonly attempt: number;
  readonly result: { readonly weights_sha256: string } | null;
}

/** How long a job that is killed again and again may take. */
const END_MS = 120_000;

/** The job once it has ended; that it ends is what is promised. */
export function ended({ report }: World, api: Api, id: string, withinMs = END_MS): Promise<EndedJob> {
  return report.within(`job ${id} ends`, withinMs, async () => {
    const { status, body } = await api.get(`/v1/jobs/${id}?wait=1`);
    if (status === 404) throw new BrokenPromise(`job ${id} is gone`);
    return status === 200 && ['succeeded', 'failed', 'cancelled'].includes(body.status) ? body : null;
  });
}

/** Resolves when the job has committed so many epochs. */
export async function reachesEpoch({ report, query }: World, id: string, epoch: number): Promise<void> {
  await report.within(`job ${id} reaches epoch ${epoch}`, END_MS, async () => {
    const [row] = await query<{ epoch: number }>('SELECT coalesce(max(epoch), 0)::int AS epoch FROM epoch WHERE job_id = $1', [id]);
    return row !== undefined && row.epoch >= epoch ? true : null;
  });
}

export interface EpochRow {
  readonly epoch: number;
  readonly step: number;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly learning_rate: number;
  readonly fence: number;
}

/** Oldest first. */
export function epochsOf({ query }: World, id: string): Promise<EpochRow[]> {
  return query<EpochRow>('SELECT epoch, step, metrics, learning_rate, fence FROM epoch WHERE job_id = $1 ORDER BY epoch', [id]);
}

/** Everything of an epoch that must come out the same, with its numbers as their bits. */
export function bitsOf({ step, metrics, learning_rate: rate }: Omit<EpochRow, 'fence'>): string {
  return JSON.stringify({ step, metrics, rate }, (_, value) => (typeof value === 'number' ? hex(value) : value));
}

function hex(value: number): string {
  return Buffer.from(Float64Array.of(value).buffer).toString('hex');
}

/** Checks that a disturbed job came out as an undisturbed one, to the last bit. */
export async function checkSameBits(world: World, job: EndedJob, undisturbed: EndedJob): Promise<void> {
  const { report } = world;
  report.check(job.status === 'succeeded', `job ${job.id} ends succeeded, not ${job.status} (${job.stop_reason})`);
  const hash = job.result?.weights_sha256;
  report.check(
    hash !== undefined && hash === undisturbed.result?.weights_sha256,
    `job ${job.id} ends with the weights of the undisturbed one`,
  );
  const [epochs, expected] = await Promise.all([epochsOf(world, job.id), epochsOf(world, undisturbed.id)]);
  const isSame =
    epochs.length === expected.length && epochs.every((row, i) => expected[i] !== undefined && bitsOf(row) === bitsOf(expected[i]));
  report.check(isSame, `job ${job.id} has the epochs of the undisturbed one`);
}

/** Checks that the epochs of a job are 1, 2, 3, …, each once. */
export async function checkNoGaps(world: World, id: string): Promise<void> {
  const epochs = await epochsOf(world, id);
  world.report.check(
    epochs.length > 0 && epochs.every(({ epoch }, i) => epoch === i + 1),
    `job ${id} has every epoch once: ${epochs.map(({ epoch }) => epoch).join(' ')}`,
  );
}
