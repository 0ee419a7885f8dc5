import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Numbers } from '../../src/engine/backends/kernel.ts';

/** The addon as `src/engine/backends/README.md` describes it. */
export interface NativeAddon {
  readonly kernels: readonly string[];
  readonly variant: string;
  load(words: Float64Array, arena: ArrayBuffer): object;
  run(
    program: object,
    arena: ArrayBuffer,
    feeds: readonly Numbers[],
    order: Int32Array,
    numbers: Float64Array,
    rates: Float64Array,
    control: Int32Array,
  ): number;
}

const PATH = join(import.meta.dirname, '../../native/build/alma.node');

/** False on a machine without a C compiler. */
export function hasAddon(): boolean {
  return existsSync(PATH);
}

export function loadAddon(): NativeAddon {
  const loadModule = createRequire(import.meta.url);
  return loadModule(PATH);
}

/** A command with places instead of values; -1 is an absent buffer. */
export interface PlacedCommand {
  readonly kernel: string;
  readonly offsets: readonly number[];
  /** `[size, per row]` */
  readonly dims: readonly (readonly [number, boolean])[];
  readonly scalars?: readonly number[];
}

/** The command stream of a program. */
export function encodeWords(addon: NativeAddon, commands: readonly PlacedCommand[]): Float64Array {
  const words = commands.flatMap(({ kernel, offsets, dims, scalars = [] }) => [
    addon.kernels.indexOf(kernel),
    offsets.length,
    dims.length,
    scalars.length,
    ...offsets,
    ...dims.flatMap(([size, perRow]) => [size, perRow ? 1 : 0]),
    ...scalars,
  ]);
  return Float64Array.of(commands.length, ...words);
}

export interface RunOptions {
  readonly order: Int32Array;
  readonly feeds?: readonly Numbers[];
  readonly from?: number;
  readonly to?: number;
  readonly batchSize: number;
  readonly firstStep?: number;
  readonly seed?: readonly [number, number];
  readonly rates?: Float64Array;
  readonly control?: Int32Array;
}

/** Runs a program and returns steps and the command that found a non-finite number (-1: none). */
export function runProgram(
  addon: NativeAddon,
  program: object,
  arena: ArrayBuffer,
  options: RunOptions,
): { steps: number; nonFinite: number } {
  const { order, feeds = [], from = 0, to = order.length, batchSize, firstStep = 0, seed = [0, 0] } = options;
  const numbers = Float64Array.of(from, to, batchSize, firstStep, seed[0], seed[1], -1);
  const control = options.control ?? new Int32Array(new SharedArrayBuffer(16));
  const steps = addon.run(program, arena, feeds, order, numbers, options.rates ?? new Float64Array(0), control);
  return { steps, nonFinite: numbers[6]! };
}
