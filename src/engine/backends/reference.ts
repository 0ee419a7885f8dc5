import type { Backend, BufferRef, Command, Program, RunRequest, RunResult, Session } from './backend.ts';
import { bindToArena, CONTROL } from './backend.ts';
import type { Numbers, Step } from './kernel.ts';
import { KERNELS } from './kernel-table.ts';

/** Runs the loops that stand beside the ops: obvious and slow, the oracle for every other backend. */
export function referenceBackend(): Backend {
  return {
    name: 'reference',
    variant: 'reference',
    kernels: new Set(KERNELS.keys()),
    arenaBytesMax: Number.POSITIVE_INFINITY,
    bind: (programs) => bindToArena(programs, loadProgram),
  };
}

type BoundCommand = (step: Step) => void;

function loadProgram(program: Program, arena: ArrayBuffer): Session {
  const commands = program.commands.map((command) => bindCommand(command, arena));
  return { run: (request) => runSteps(program, commands, request) };
}

function bindCommand({ kernel, buffers, dims, scalars }: Command, arena: ArrayBuffer): BoundCommand {
  const definition = KERNELS.get(kernel);
  if (!definition) throw new Error(`There is no kernel ${kernel}`);
  const views = buffers.map((buffer) => (buffer ? viewOf(buffer, arena) : null));
  return (step) =>
    definition.run(
      views,
      dims.map(({ size, perRow }) => (perRow ? size * step.rows : size)),
      scalars,
      step,
    );
}

/** The numbers of a buffer. */
export function viewOf({ dtype, byteOffset, length }: BufferRef, arena: ArrayBuffer): Numbers {
  switch (dtype) {
    case 'float32':
      return new Float32Array(arena, byteOffset, length);
    case 'float64':
      return new Float64Array(arena, byteOffset, length);
    case 'int32':
      return new Int32Array(arena, byteOffset, length);
    default:
      return dtype satisfies never;
  }
}

function runSteps({ batchSize }: Program, commands: readonly BoundCommand[], request: RunRequest): RunResult {
  const { order, from, to, firstStep, learningRates, seed, control, feeds } = request;
  let steps = 0;
  for (let start = from; start < to; start += batchSize) {
    if (Atomics.load(control, CONTROL.stop) !== 0) break;
    const batchRows = order.subarray(start, Math.min(start + batchSize, to));
    const step: Step = {
      rows: batchRows.length,
      number: firstStep + steps,
      seed,
      learningRate: learningRates[steps] ?? 0,
      batchRows,
      feeds,
      nonFinite: false,
    };
    for (const [index, run] of commands.entries()) {
      run(step);
      if (step.nonFinite) return { steps, nonFinite: index };
    }
    steps += 1;
    if (learningRates.length > 0) Atomics.add(control, CONTROL.steps, 1);
  }
  return { steps, nonFinite: null };
}
