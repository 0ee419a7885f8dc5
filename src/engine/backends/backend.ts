/*
 * The contract between the planner and whatever executes a plan. A backend knows kernels, flat buffers and checked
 * sizes; shapes, layers and gradients were settled above. One conformance suite runs over every backend.
 */

export type Dtype = 'float32' | 'int32' | 'float64';

/** A buffer in the arena. Offsets are multiples of 64 bytes, so that every vector load is aligned. */
export interface BufferRef {
  readonly byteOffset: number;
  readonly dtype: Dtype;
  /** Elements for a full batch. */
  readonly length: number;
}

/**
 * A size handed to a kernel. Rows of the batch are known only when a step runs (the last batch of an epoch may be
 * smaller), so a size is `size`, or `size * rows` when `perRow`.
 */
export interface Dim {
  readonly size: number;
  readonly perRow: boolean;
}

/** One kernel call. Which buffer, size and scalar is which is documented at the kernel. `null` is an absent buffer (no bias). */
export interface Command {
  readonly kernel: string;
  readonly buffers: readonly (BufferRef | null)[];
  readonly dims: readonly Dim[];
  readonly scalars: readonly number[];
}

/** What a backend runs: the commands of one step, over one arena of known size. */
export interface Program {
  readonly commands: readonly Command[];
  readonly arenaBytes: number;
  readonly batchSize: number;
}

/** Words of the shared control block, an Int32Array over a SharedArrayBuffer. */
export const CONTROL = {
  /** A word of `STOP`. A backend stops before its next step when it is not 0, whatever it says. */
  stop: 0,
  /** Raised by the backend after each step of a program with updates: steps done since the job began on this thread. */
  steps: 1,
  words: 4,
} as const;

/** How a trainer is asked to stop. */
export const STOP = {
  none: 0,
  /** Leave: what was computed since the last report is thrown away. */
  abandon: 1,
  /** Make a result of what was learned until now. The trainer takes the request by setting the word back. */
  conclude: 2,
} as const;

export interface RunRequest {
  /**
   * Row sources that `gather` commands read, addressed by position: features, targets, weights. Row-major, 4-byte
   * elements (a float64 session of the reference backend takes Float64Array for the real ones).
   */
  readonly feeds: readonly (Float32Array | Float64Array | Int32Array)[];
  /** Row numbers in the order of this epoch. */
  readonly order: Int32Array;
  /** Positions of `order` to run: `from` (inclusive) to `to` (exclusive), in batches of the program's batch size. */
  readonly from: number;
  readonly to: number;
  /** Number of the first update of this run, counted from 0 over the whole job: the Philox counter and Adam's t - 1. */
  readonly firstStep: number;
  /** Learning rate of each step of this run (empty for a program without updates). */
  readonly learningRates: Float64Array;
  /** 64-bit seed as two unsigned 32-bit words, low first. */
  readonly seed: readonly [number, number];
  readonly control: Int32Array;
}

export interface RunResult {
  /** Steps completed; fewer than asked for when stopped or when `nonFinite` is set. */
  readonly steps: number;
  /** Index of the `guard_finite` command that found a NaN or infinity; that step changed no parameter. */
  readonly nonFinite: number | null;
}

/** A program bound to an arena, ready to run again and again without allocating. */
export interface Session {
  run(request: RunRequest): RunResult;
}

/** Programs and the arena they share. */
export interface Bound {
  /** Zeros at first. Buffers lie at their offsets; it may be longer than the programs need. */
  readonly arena: ArrayBuffer;
  /** One per program, in order. */
  readonly sessions: readonly Session[];
  /**
   * Gives the arena's memory back at once, where the backend can, but for the first `keep` bytes (default 0), which stay as they are:
   * no session may run any more.
   */
  release(keep?: number): void;
  /**
   * Binds another program where the backend can to the memory of this arena, of which the first `keep` bytes stay as they are and the
   * rest is zeros again: no session of before may run any more.
   */
  rebind(program: Program, keep: number): Bound;
}

export interface Backend {
  readonly name: 'reference' | 'native' | 'wasm';
  /** Name with the instruction set in use, e.g. `native-avx512`: what receipts, workers and logs report. */
  readonly variant: string;
  /** Kernels it can run. A plan that needs another one goes to the reference backend, and so does one with a larger arena. */
  readonly kernels: ReadonlySet<string>;
  readonly arenaBytesMax: number;
  /**
   * Allocates an arena that is large enough for each of the programs and binds them to it: what one leaves there, such as weights, the
   * others find. Up to `threads` (default 1) work on one step; a backend may use fewer, the results are the same bits.
   */
  bind(programs: readonly Program[], threads?: number): Bound;
}

/** How a backend makes a program ready to run over an arena. */
type LoadProgram = (program: Program, arena: ArrayBuffer) => Session;

/** Binds programs to an arena that shrinks and grows where it lies. */
export function bindToArena(programs: readonly Program[], load: LoadProgram): Bound {
  const bytes = sharedArenaBytes(programs);
  return bindTo(new ArrayBuffer(bytes, { maxByteLength: bytes }), programs, load);
}

function bindTo(arena: ArrayBuffer, programs: readonly Program[], load: LoadProgram): Bound {
  return {
    arena,
    sessions: programs.map((program) => load(program, arena)),
    release: (keep = 0) => arena.resize(keep),
    rebind(program, keep) {
      arena.resize(keep);
      if (program.arenaBytes > arena.maxByteLength) return withFront(bindToArena([program], load), arena, keep);
      arena.resize(program.arenaBytes);
      return bindTo(arena, [program], load);
    },
  };
}

/** Copies the first bytes of an arena to a new one. */
export function withFront(bound: Bound, from: ArrayBuffer, keep: number): Bound {
  new Uint8Array(bound.arena).set(new Uint8Array(from, 0, keep));
  return bound;
}

/** Bytes of the arena that programs share. */
export function sharedArenaBytes(programs: readonly Program[]): number {
  return Math.max(...programs.map(({ arenaBytes }) => arenaBytes));
}
