import { describe, expect, it } from 'vitest';
import { CONTROL, type Command, type Program, type RunRequest } from '../../../src/engine/backends/backend.ts';
import { backendFor, selectBackend } from '../../../src/engine/backends/select.ts';

const GIB = 2 ** 30;
const backend = selectBackend('wasm');

const real = (byteOffset: number, length: number) => ({ byteOffset, dtype: 'float32' as const, length });
const fixed = (size: number) => ({ size, perRow: false });
const perRow = (size: number) => ({ size, perRow: true });

/** Gathers rows of two numbers and adds 1 to each with the second buffer. */
const gather = (feed: number): Command => ({ kernel: 'gather', buffers: [real(64, 4)], dims: [perRow(1), fixed(2)], scalars: [feed] });
const guard: Command = { kernel: 'guard_finite', buffers: [real(64, 4)], dims: [perRow(2)], scalars: [] };
const programOf = (...commands: Command[]): Program => ({ commands, arenaBytes: 256, batchSize: 2 });

const request: RunRequest = {
  feeds: [Float32Array.of(0, 1, 10, 11, 20, 21, 30, Number.NaN)],
  order: Int32Array.of(2, 0, 1),
  from: 0,
  to: 3,
  firstStep: 0,
  learningRates: Float64Array.of(0, 0),
  seed: [0, 0],
  control: new Int32Array(CONTROL.words),
};

function bindOne(...commands: Command[]) {
  const { arena, sessions } = backend.bind([programOf(...commands)]);
  const control = new Int32Array(CONTROL.words);
  return { arena, control, run: (change: Partial<RunRequest> = {}) => sessions[0]!.run({ ...request, control, ...change }) };
}

describe('the wasm backend', () => {
  it('says what it is, and that its multiply-adds round once only if they do', () => {
    const { arena, sessions } = backend.bind([
      {
        commands: [
          { kernel: 'dense', buffers: [real(64, 1), real(128, 1), real(192, 1), real(256, 1)], dims: Array(3).fill(fixed(1)), scalars: [] },
        ],
        arenaBytes: 320,
        batchSize: 1,
      },
    ]);
    const epsilon = 2 ** -12;
    new Float32Array(arena)[16] = 1 + epsilon;
    new Float32Array(arena)[32] = 1 - epsilon;
    new Float32Array(arena)[48] = -1;
    sessions[0]!.run({ ...request, to: 1 });
    const roundedOnce = new Float32Array(arena)[64] !== 0;
    expect(backend.variant).toBe(roundedOnce ? 'wasm-simd128' : 'wasm-simd128-unfused');
  });

  it('gathers the rows of each batch from the feeds where they are, and counts steps', () => {
    const { arena, control, run } = bindOne(gather(0));
    expect(run()).toEqual({ steps: 2, nonFinite: null });
    expect([...new Float32Array(arena, 64, 4)]).toEqual([10, 11, 0, 1]);
    expect(control[CONTROL.steps]).toBe(2);
    run({ to: 2, feeds: [Int32Array.of(1, 2, 3, 4, 5, 6)] });
    expect([...new Int32Array(arena, 64, 4)]).toEqual([5, 6, 1, 2]);
  });

  it('copies long rows as it does short ones', () => {
    const width = 100;
    const feed = Float32Array.from({ length: 3 * width }, (_, i) => i);
    const commands = [{ kernel: 'gather', buffers: [real(64, 2 * width)], dims: [perRow(1), fixed(width)], scalars: [0] }];
    const { arena, sessions } = backend.bind([{ commands, arenaBytes: 1024, batchSize: 2 }]);
    sessions[0]!.run({ ...request, feeds: [feed], to: 2 });
    expect(new Float32Array(arena, 64, 2 * width)).toEqual(Float32Array.of(...feed.subarray(2 * width), ...feed.subarray(0, width)));
  });

  it('does not begin a step once it is told to stop', () => {
    const { control, run } = bindOne(gather(0));
    control[CONTROL.stop] = 1;
    expect(run()).toEqual({ steps: 0, nonFinite: null });
    expect(control[CONTROL.steps]).toBe(0);
  });

  it('ends at the command that finds a number that is not finite, and goes on afterwards', () => {
    const { run } = bindOne(gather(0), guard);
    expect(run({ order: Int32Array.of(0, 1, 3) })).toEqual({ steps: 1, nonFinite: 1 });
    expect(run()).toEqual({ steps: 2, nonFinite: null });
  });

  it.each([
    ['a row outside its feed', gather(0), { order: Int32Array.of(0, 4, 1) }, /row number of the order lies outside its feed/],
    ['a negative row', gather(0), { order: Int32Array.of(0, -1, 1) }, /row number of the order lies outside its feed/],
    ['a feed that is not there', gather(3), {}, /reads a feed that was not given/],
    ['a range outside the order', gather(0), { to: 4 }, /within the order/],
  ])('refuses %s, and is none the worse for it', (_what, command, change, message) => {
    const { run } = bindOne(command);
    for (let again = 0; again < 3; again += 1) expect(() => run(change)).toThrow(message);
    if (command.scalars[0] === 0) expect(run()).toEqual({ steps: 2, nonFinite: null });
  });

  it('refuses a command that lacks a buffer its kernel needs', () => {
    expect(() => bindOne({ ...guard, buffers: [null] })).toThrow(/buffer the kernel needs is absent/);
  });

  it('keeps the arenas of two bindings apart, and shares that of one', () => {
    const two = backend.bind([programOf(gather(0)), programOf(guard)]);
    const other = backend.bind([programOf(gather(0))]);
    two.sessions[0]!.run({ ...request, order: Int32Array.of(3, 3, 3) });
    expect(two.sessions[1]!.run(request)).toEqual({ steps: 0, nonFinite: 0 });
    expect([...new Float32Array(other.arena, 64, 4)]).toEqual([0, 0, 0, 0]);
  });

  it('reaches the far end of an arena of more than two gibibytes, and leaves larger ones than it can address to the reference', () => {
    const far = 2 * GIB + 4096;
    const commands = [
      { kernel: 'gather', buffers: [real(far, 4)], dims: [perRow(1), fixed(2)], scalars: [0] },
      { kernel: 'add', buffers: [real(far, 4), real(far, 4), real(64, 4)], dims: [perRow(2)], scalars: [] },
    ];
    const { arena, sessions } = backend.bind([{ commands, arenaBytes: far + 64, batchSize: 2 }]);
    expect(sessions[0]!.run({ ...request, to: 2 })).toEqual({ steps: 1, nonFinite: null });
    expect([...new Float32Array(arena, 64, 4)]).toEqual([40, 42, 0, 2]);
    expect(backendFor('wasm', [{ commands, arenaBytes: 4 * GIB, batchSize: 2 }]).name).toBe('reference');
  });
});
