import { type Backend, type BufferRef, CONTROL, type Dtype } from '../../src/engine/backends/backend.ts';
import type { Numbers, Step } from '../../src/engine/backends/kernel.ts';
import { KERNELS } from '../../src/engine/backends/kernel-table.ts';
import { viewOf } from '../../src/engine/backends/reference.ts';
import type { KernelDefinition } from '../../src/engine/ops/op.ts';
import { uniform, wordSource } from '../../src/engine/random.ts';
import { WINDOWS } from './windows.ts';

/** One call of one kernel with made-up inputs. */
export interface KernelCase {
  readonly kernel: KernelDefinition;
  readonly dims: readonly number[];
  readonly scalars: readonly number[];
  /** null is an absent buffer. */
  readonly buffers: readonly (Numbers | null)[];
  readonly step: Step;
}

const VECTORS = [0, 1, 7, 16, 17, 33, 64, 257, 1000].map((n) => [n]);
const MATRICES = [
  [0, 3],
  [1, 1],
  [1, 17],
  [7, 1],
  [5, 10],
  [33, 16],
  [17, 33],
  [3, 257],
]; // prettier-ignore
/** m, k, n around tile and block edges; k = 0 leaves the bias. */
const PRODUCTS = [
  [0, 3, 2],
  [3, 0, 2],
  [3, 2, 0],
  [1, 1, 1],
  [7, 17, 33],
  [14, 64, 32],
  [29, 5, 64],
  [17, 257, 65],
  [33, 300, 520],
  [200, 7, 10],
  [64, 784, 33],
  [1, 513, 1],
  [2, 31, 1030],
  [171, 259, 97],
]; // prettier-ignore
/** Kernels whose three sizes are those of a matrix product, and none of whose buffers has all three. */
const PRODUCT_KERNELS = /^(dense|lookup)/;
/** All three sizes in one buffer. */
const VOLUMES = [
  [0, 3, 2],
  [3, 1, 1],
  [2, 5, 17],
  [3, 7, 64],
]; // prettier-ignore
/** m, t, s, u of recurrent cells; g follows from the cell. */
const RECURRENCES = [
  [0, 3, 3, 2],
  [1, 1, 1, 1],
  [3, 4, 4, 17],
  [3, 4, 1, 16],
  [2, 9, 9, 5],
  [33, 3, 1, 33],
]; // prettier-ignore
const GATES: Readonly<Record<string, number>> = { simple_rnn: 1, lstm: 4, gru: 3, gru_reset_before: 3 };
/** Batched products, and axes to be swapped. */
const QUADRUPLES = [
  [0, 3, 2, 4],
  [1, 1, 1, 1],
  [2, 7, 5, 3],
  [3, 16, 17, 33],
  [2, 65, 9, 130],
]; // prettier-ignore
/** m, n, w: a block of columns in a wider one, with room for an offset of 1. */
const BLOCKS = [
  [0, 3, 5],
  [1, 1, 2],
  [5, 4, 9],
  [3, 17, 33],
  [7, 16, 40],
  [2, 257, 300],
]; // prettier-ignore
const SCALARS: Readonly<Record<string, number>> = {
  negative_slope: 0.3,
  alpha: 1.5,
  rate: 0.4,
  stream: 0x2000_0003,
  threshold: 0.5,
  beta_1: 0.9,
  beta_2: 0.999,
  epsilon: 1e-7,
  momentum: 0.9,
  feed: 0,
  delta: 0.8,
  limit: 1.5,
  l1: 0.01,
  l2: 0.02,
  rho: 0.9,
  initial: 0.1,
  weight_decay: 0.1,
  scale: 0.9,
  shift: 0.05,
  on: 0.9,
  off: 0.05,
  k: 3,
  activation: 1,
  recurrent_activation: 2,
  initial_state: 1,
};
const FEED_ROWS = 50;

/** Every kernel over sizes that meet vector, tile and block edges. */
export function* kernelCases(): Generator<KernelCase> {
  for (const kernel of KERNELS.values()) {
    for (const sizes of sizesOf(kernel)) {
      for (const variation of [0, 1]) yield makeCase(kernel, sizes, variation);
    }
  }
}

interface CaseSizes {
  readonly dims: readonly number[];
  /** Scalars that belong to these sizes; others have one value for all cases. */
  readonly scalars?: Readonly<Record<string, number>>;
}

function sizesOf(kernel: KernelDefinition): readonly CaseSizes[] {
  const { dims } = kernel;
  if (kernel.scalars.includes('stride_h')) return WINDOWS.map((window) => ({ dims: dims.map((name) => window[name]!), scalars: window }));
  return plainSizesOf(kernel).map((sizes) => ({ dims: sizes }));
}

function plainSizesOf({ name, dims }: KernelDefinition): readonly (readonly number[])[] {
  const gates = GATES[name.replace('_grad', '')];
  if (gates !== undefined) return RECURRENCES.map((sizes) => [...sizes, gates * sizes[3]!]);
  if (dims.join() === 'm,n,w') return BLOCKS;
  if (dims.length === 3) return PRODUCT_KERNELS.test(name) ? PRODUCTS : VOLUMES;
  return [VECTORS, MATRICES, [], QUADRUPLES][dims.length - 1] ?? [];
}

const MARGIN = 64;

/** Runs a case on a backend: the buffers afterwards, and whether the bytes around them are untouched. */
export function runOn(
  backend: Backend,
  { kernel, dims, scalars, buffers, step }: KernelCase,
  threads = 1,
): { buffers: (Numbers | null)[]; intact: boolean } {
  let end = MARGIN;
  const places = buffers.map((buffer): BufferRef | null => {
    if (!buffer) return null;
    const place = { byteOffset: end, dtype: dtypeOf(buffer), length: buffer.length };
    end += Math.ceil(buffer.byteLength / 64) * 64 + MARGIN;
    return place;
  });
  const command = { kernel: kernel.name, buffers: places, dims: dims.map((size) => ({ size, perRow: false })), scalars };
  const { arena, sessions } = backend.bind([{ commands: [command], arenaBytes: end, batchSize: Math.max(step.rows, 1) }], threads);
  const bytes = new Uint8Array(arena, 0, end).fill(0xa5);
  buffers.forEach((buffer, i) => {
    if (buffer) bytes.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength), places[i]!.byteOffset);
  });
  sessions[0]!.run({
    feeds: step.feeds,
    order: step.batchRows,
    from: 0,
    to: step.batchRows.length,
    firstStep: step.number,
    learningRates: Float64Array.of(step.learningRate),
    seed: step.seed,
    control: new Int32Array(CONTROL.words),
  });
  const after = places.map((place) => (place ? viewOf(place, arena) : null));
  const touched = bytes.slice();
  for (const buffer of after) if (buffer) touched.fill(0xa5, buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
  return { buffers: after, intact: touched.every((byte) => byte === 0xa5) };
}

function dtypeOf(buffer: Numbers): Dtype {
  if (buffer instanceof Float64Array) return 'float64';
  return buffer instanceof Int32Array ? 'int32' : 'float32';
}

/** The reference loop over copies. */
export function runReference({ kernel, dims, scalars, buffers, step }: KernelCase): (Numbers | null)[] {
  const copies = buffers.map((buffer) => buffer?.slice() ?? null);
  kernel.run(copies, dims, scalars, step);
  return copies;
}

function makeCase(kernel: KernelDefinition, { dims, scalars: own = {} }: CaseSizes, variation: number): KernelCase {
  const draw = sourceOf(kernel.name.length * 1000 + dims.reduce((sum, size) => sum * 7 + size, variation));
  const isGather = kernel.name.startsWith('gather');
  const rows = isGather ? dims[0]! : 1;
  const feedLength = FEED_ROWS * (dims[1] ?? 0);
  const feed =
    kernel.name === 'gather'
      ? new Float32Array(feedLength).map(() => draw() - 0.5)
      : new Int32Array(feedLength).map(() => draw() * 99 - 50);
  return {
    kernel,
    dims,
    scalars: kernel.scalars.map((name) => own[name] ?? SCALARS[name.split(':')[0]!] ?? variation),
    buffers: kernel.buffers.map((label) => makeBuffer({ kernel, label, dims, variation, draw })),
    step: {
      rows,
      number: 4 + variation,
      seed: [0x1234_5678, 0x0001_0203],
      learningRate: 0.05,
      batchRows: new Int32Array(rows).map(() => Math.floor(draw() * FEED_ROWS)),
      feeds: [feed],
      nonFinite: false,
    },
  };
}

interface BufferRequest {
  readonly kernel: KernelDefinition;
  readonly label: string;
  readonly dims: readonly number[];
  readonly variation: number;
  readonly draw: () => number;
}

/** Columns of a panel that a product reads together. */
const PANEL = 32;

/** A buffer as the kernel documents it: its sizes stand in parentheses, its type behind them. */
function makeBuffer(request: BufferRequest): Numbers | null {
  const { kernel, label, dims, variation, draw } = request;
  if (label.endsWith('or absent') && variation === 1) return null;
  if (label.includes('float64')) return new Float64Array(accumulatorLength(label, kernel, dims)).map(() => Math.round(draw() * 9));
  const names = /\(([a-z2](?:, [a-z])*)\)/.exec(label)![1]!.split(', ');
  const sizes = names.map((name) => dims[kernel.dims.indexOf(name)] ?? Number(name));
  if (label.includes('whole panels')) sizes.push(PANEL, Math.ceil(sizes.pop()! / PANEL) + Number(label.endsWith('and one more')));
  const length = sizes.reduce((product, size) => product * size, 1);
  if (label.includes('int32 classes')) return new Int32Array(length).map(() => Math.floor(draw() * (dims[1] ?? 3)));
  if (kernel.name === 'gather_as_real' || !label.startsWith('out:')) return new Float32Array(length).map(valueIn(kernel.name, label, draw));
  return new Float32Array(length);
}

/** `float64 [residual (n), spread (n), count]`: words without sizes are single numbers. */
function accumulatorLength(label: string, kernel: KernelDefinition, dims: readonly number[]): number {
  const words = label.slice(label.indexOf('[') + 1, label.indexOf(']')).split(/, (?![^(]*\))/);
  const sizeOf = (name: string) => (/^\d+$/.test(name) ? Number(name) : dims[kernel.dims.indexOf(name)]!);
  const lengths = words.map((word) => (/\((.*)\)/.exec(word)?.[1]?.split(', ') ?? []).reduce((product, name) => product * sizeOf(name), 1));
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** What buffers hold, made of a number from 0 to 1: by kernel and beginning of the buffer's documentation, the first that fits. */
const VALUES: readonly (readonly [kernel: RegExp, label: RegExp, value: (drawn: number) => number])[] = [
  [/./, /^mask /, (drawn) => Number(drawn < 0.7)],
  [/./, /^activated gates/, (drawn) => drawn],
  // Small, or rounding errors would grow from step to step.
  [/./, /^recurrent kernel/, (drawn) => drawn * 0.4 - 0.2],
  [/^binary_cross_entropy/, /^p /, (drawn) => Math.min(Math.max(drawn * 1.2 - 0.1, 0), 1)],
  [/cross_entropy/, /^p /, (drawn) => drawn + 1e-3],
  [/cross_entropy/, /^y /, (drawn) => Math.round(drawn * 4) / 4],
  [/^accumulate_binary/, /^y /, Math.round],
  [/^accumulate_(binary|log_loss)/, /./, (drawn) => drawn],
  // A variance must stay above the square of the mean it is compared with.
  [/^rmsprop_centered/, /^in\/out: v/, (drawn) => 1 + drawn],
  // Slots that hold squares.
  [/./, /^in\/out: [vaxdu] /, (drawn) => drawn],
  [/^poisson/, /^p /, (drawn) => drawn],
  [/^kl_divergence/, /./, (drawn) => drawn * 1.2 - 0.1],
  [/_grad$/, /^y /, (drawn) => drawn * 1.2 - 0.1],
  [/./, /^variance /, (drawn) => drawn + 0.5],
  [/^(dense|convolution|batch_product)|_grad$/, /./, (drawn) => drawn * 2 - 1],
  [/./, /./, (drawn) => drawn * 8 - 4],
];

/** Values in the kernel's domain, its edges among them. */
function valueIn(kernel: string, label: string, draw: () => number): () => number {
  const [, , value] = VALUES.find(([ofKernel, ofLabel]) => ofKernel.test(kernel) && ofLabel.test(label))!;
  return () => value(draw());
}

function sourceOf(seed: number): () => number {
  const nextWord = wordSource(seed, 9);
  return () => uniform(nextWord);
}
