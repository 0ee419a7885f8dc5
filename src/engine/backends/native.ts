import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { encodeProgram } from '../plan/encode-program.ts';
import type { Backend, Program, RunRequest, RunResult, Session } from './backend.ts';
import { bindToArena } from './backend.ts';

const ADDON_PATH = '../../../native/build/alma.node';

/** A program decoded by the addon; only the addon looks inside. */
type LoadedProgram = object;

/** The addon's interface, described in `README.md`. */
interface Addon {
  readonly kernels: readonly string[];
  readonly variant: string;
  load(words: Float64Array, arena: ArrayBuffer, threads: number): LoadedProgram;
  run(
    program: LoadedProgram,
    arena: ArrayBuffer,
    feeds: RunRequest['feeds'],
    order: Int32Array,
    numbers: Float64Array,
    rates: Float64Array,
    control: Int32Array,
  ): number;
}

/** Position of the out value in `numbers`. */
const NON_FINITE = 6;

/** The C kernels in `/native`. Throws when they were not built or this machine cannot load them. */
export function nativeBackend(): Backend {
  const addon = loadAddon();
  return {
    name: 'native',
    variant: `native-${addon.variant}`,
    kernels: new Set(addon.kernels),
    arenaBytesMax: Number.POSITIVE_INFINITY,
    bind: (programs, threads = 1) => bindToArena(programs, (program, arena) => loadProgram(addon, program, { arena, threads })),
  };
}

function loadAddon(): Addon {
  const addon: unknown = createRequire(import.meta.url)(ADDON_PATH);
  if (!isAddon(addon)) throw new Error('native/build/alma.node is not the addon this version expects: build it again');
  return addon;
}

function isAddon(addon: unknown): addon is Addon {
  return typeof addon === 'object' && addon !== null && 'kernels' in addon && 'variant' in addon && 'load' in addon && 'run' in addon;
}

interface Binding {
  readonly arena: ArrayBuffer;
  readonly threads: number;
}

function loadProgram(addon: Addon, program: Program, { arena, threads }: Binding): Session {
  // More threads than cores would only wait for each other; the results are the same.
  const loaded = addon.load(encodeProgram(program, addon.kernels), arena, Math.min(threads, availableParallelism()));
  const numbers = new Float64Array(NON_FINITE + 1);
  return {
    run({ feeds, order, from, to, firstStep, learningRates, seed, control }): RunResult {
      numbers.set([from, to, program.batchSize, firstStep, ...seed, -1]);
      const steps = addon.run(loaded, arena, feeds, order, numbers, learningRates, control);
      const nonFinite = numbers[NON_FINITE]!;
      return { steps, nonFinite: nonFinite < 0 ? null : nonFinite };
    },
  };
}
