import { beforeEach, describe, expect, it } from 'vitest';
import { CONTROL } from '../../src/engine/backends/backend.ts';
import { encodeWords, hasAddon, loadAddon, type NativeAddon, type PlacedCommand, runProgram } from './native-addon.ts';

const BATCH = 4;
const LOSS = 0;
const BATCH_ROWS = 64;
const WEIGHT = 128;
const TOTAL = 192;

/** A gather of one column, a guard, the sum of the rows, and an update of one weight by the first row. */
const COMMANDS: readonly PlacedCommand[] = [
  {
    kernel: 'gather',
    offsets: [BATCH_ROWS],
    dims: [
      [1, true],
      [1, false],
    ],
    scalars: [0],
  }, // prettier-ignore
  { kernel: 'guard_finite', offsets: [BATCH_ROWS], dims: [[1, true]] },
  { kernel: 'accumulate_mean', offsets: [BATCH_ROWS, TOTAL], dims: [[1, true]] },
  { kernel: 'sgd', offsets: [WEIGHT, BATCH_ROWS], dims: [[1, false]] },
];

describe.skipIf(!hasAddon())('a native program', () => {
  let addon: NativeAddon;
  let arena: ArrayBuffer;
  let program: object;
  let weight: Float32Array;
  let total: Float64Array;
  beforeEach(() => {
    addon = loadAddon();
    arena = new ArrayBuffer(256);
    program = addon.load(encodeWords(addon, COMMANDS), arena);
    weight = new Float32Array(arena, WEIGHT, 1);
    total = new Float64Array(arena, TOTAL, 2);
  });
  const order = Int32Array.of(5, 4, 3, 2, 1, 0, 9, 8, 7, 6);
  const feed = Float32Array.from({ length: 10 }, (_, i) => i);
  const rates = Float64Array.of(1, 0.5, 0.25);

  it('runs every batch of the order, the smaller last one too, each with its own rate', () => {
    expect(runProgram(addon, program, arena, { order, feeds: [feed], batchSize: BATCH, rates })).toEqual({ steps: 3, nonFinite: -1 });
    expect([...total]).toEqual([45, 10]);
    expect(weight[0]).toBe(-(5 * 1 + 1 * 0.5 + 7 * 0.25));
  });

  it('runs a part of the order', () => {
    expect(runProgram(addon, program, arena, { order, feeds: [feed], from: 4, to: 6, batchSize: BATCH, rates }).steps).toBe(1);
    expect([...total]).toEqual([1, 2]);
  });

  it('counts updates in the control block, and does not count evaluation', () => {
    const control = new Int32Array(new SharedArrayBuffer(16));
    runProgram(addon, program, arena, { order, feeds: [feed], batchSize: BATCH, rates, control });
    expect(control[CONTROL.steps]).toBe(3);
    const evaluation = addon.load(encodeWords(addon, COMMANDS.slice(0, 3)), arena);
    expect(runProgram(addon, evaluation, arena, { order, feeds: [feed], batchSize: BATCH, control }).steps).toBe(3);
    expect(control[CONTROL.steps]).toBe(3);
  });

  it('does nothing once the stop flag is raised', () => {
    const control = new Int32Array(new SharedArrayBuffer(16));
    Atomics.store(control, CONTROL.stop, 1);
    expect(runProgram(addon, program, arena, { order, feeds: [feed], batchSize: BATCH, rates, control })).toEqual({
      steps: 0,
      nonFinite: -1,
    });
    expect([...total, weight[0]]).toEqual([0, 0, 0]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'ends at the guard that finds %s, before the update',
    (value) => {
      const poisoned = feed.with(1, value);
      expect(runProgram(addon, program, arena, { order, feeds: [poisoned], batchSize: BATCH, rates })).toEqual({ steps: 1, nonFinite: 1 });
      expect(weight[0]).toBe(-5);
    },
  );

  it('goes on after a run that ended early', () => {
    runProgram(addon, program, arena, { order, feeds: [feed.with(5, Number.NaN)], batchSize: BATCH, rates });
    expect(runProgram(addon, program, arena, { order, feeds: [feed], batchSize: BATCH, rates }).steps).toBe(3);
  });

  it.each([[-1], [10], [2 ** 31 - 1]])('refuses row %i of a feed of ten rows', (row) => {
    const run = () => runProgram(addon, program, arena, { order: Int32Array.of(row), feeds: [feed], batchSize: BATCH, rates });
    expect(run).toThrow('outside its feed');
  });

  it('refuses a feed that is not there', () => {
    expect(() => runProgram(addon, program, arena, { order, batchSize: BATCH, rates })).toThrow('feed');
  });

  it('refuses a class outside the scores by a loss that is not a number', () => {
    const commands: PlacedCommand[] = ['sparse_softmax_cross_entropy', 'sparse_categorical_cross_entropy'].map((kernel, i) => ({
      kernel,
      offsets: i === 0 ? [BATCH_ROWS, TOTAL, LOSS, WEIGHT] : [BATCH_ROWS, TOTAL, LOSS + 4],
      dims: [
        [1, false],
        [3, false],
      ], // prettier-ignore
    }));
    const losses = addon.load(encodeWords(addon, commands), arena);
    new Int32Array(arena, TOTAL, 1)[0] = 1_000_000;
    runProgram(addon, losses, arena, { order: Int32Array.of(0), batchSize: 1 });
    expect([...new Float32Array(arena, LOSS, 2)]).toEqual([Number.NaN, Number.NaN]);
  });
});

describe.skipIf(!hasAddon())('a malformed native call', () => {
  const addon = hasAddon() ? loadAddon() : null!;
  const arena = new ArrayBuffer(256);
  const words = () => encodeWords(addon, COMMANDS);
  const numbers = (...values: number[]) => Float64Array.of(...values);
  const order = Int32Array.of(0, 1);
  const control = new Int32Array(4);
  const rates = new Float64Array(4);
  const feeds = [new Float32Array(2)];
  const call = (method: 'load' | 'run', args: readonly unknown[]) => () => Reflect.apply(addon[method], addon, args);

  it.each<[string, () => unknown[]]>([
    ['no arguments', () => []],
    ['words of another type', () => [[1], arena]],
    ['an arena of another type', () => [words(), new Uint8Array(256)]],
    ['an empty stream', () => [numbers(), arena]],
    ['a count that is not a number', () => [words().with(0, Number.NaN), arena]],
    ['more commands than words', () => [words().with(0, 5), arena]],
    ['fewer commands than words', () => [words().with(0, 3), arena]],
    ['a kernel that does not exist', () => [words().with(1, 1000), arena]],
    ['a negative kernel', () => [words().with(1, -1), arena]],
    ['too few buffers', () => [words().with(2, 0), arena]],
    ['an offset outside the arena', () => [words().with(5, 257), arena]],
    ['an offset between floats', () => [words().with(5, 2), arena]],
    ['a buffer that must not be absent', () => [words().with(5, -1), arena]],
    ['a fractional size', () => [words().with(6, 0.5), arena]],
    ['a stream that ends early', () => [words().slice(0, -3), arena]],
  ])('of load is refused: %s', (_, makeArguments) => {
    expect(call('load', makeArguments())).toThrow(Error);
  });

  it.each<[string, (program: object) => unknown[]]>([
    ['no arguments', () => []],
    ['a program of another kind', () => [{}, arena, feeds, order, numbers(0, 2, 2, 0, 0, 0, -1), rates, control]],
    ['an arena that is too small', (program) => [program, new ArrayBuffer(8), feeds, order, numbers(0, 2, 2, 0, 0, 0, -1), rates, control]],
    ['feeds of another type', (program) => [program, arena, [new Uint8Array(2)], order, numbers(0, 2, 2, 0, 0, 0, -1), rates, control]],
    ['a range beyond the order', (program) => [program, arena, feeds, order, numbers(0, 3, 2, 0, 0, 0, -1), rates, control]],
    ['a range that runs backwards', (program) => [program, arena, feeds, order, numbers(2, 1, 2, 0, 0, 0, -1), rates, control]],
    ['a batch size of zero', (program) => [program, arena, feeds, order, numbers(0, 2, 0, 0, 0, 0, -1), rates, control]],
    ['numbers that are not whole', (program) => [program, arena, feeds, order, numbers(0, 2, 1.5, 0, 0, 0, -1), rates, control]],
    ['too few numbers', (program) => [program, arena, feeds, order, numbers(0, 2), rates, control]],
    ['fewer rates than steps', (program) => [program, arena, feeds, order, numbers(0, 2, 1, 0, 0, 0, -1), numbers(1), control]],
    [
      'a control block that is too small',
      (program) => [program, arena, feeds, order, numbers(0, 2, 2, 0, 0, 0, -1), rates, new Int32Array(1)],
    ],
  ])('of run is refused: %s', (_, makeArguments) => {
    const program = addon.load(words(), arena);
    expect(call('run', makeArguments(program))).toThrow(Error);
  });
});
