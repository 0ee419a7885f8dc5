import { readFileSync } from 'node:fs';
import { encodeProgram } from '../plan/encode-program.ts';
import { alignUp } from '../plan/placement.ts';
import type { Backend, Bound, Program, RunRequest, RunResult, Session } from './backend.ts';
import { CONTROL, sharedArenaBytes, withFront } from './backend.ts';
import { createRowCopier, type RowCopier } from './row-copier.ts';

const MODULE_PATH = new URL('../../../native/wasm/alma.wasm', import.meta.url);
/** Section of the module in which its build says what it needs (`native/wasm/build.ts`). */
const FACTS_SECTION = 'alma';

const PAGE_BYTES = 65536;
/** The build refuses functions with frames of more than 1/16 of this. */
const STACK_BYTES = 262144;
/** What 32-bit addresses reach, without room for stack, data and programs. */
const ARENA_BYTES_MAX = 2 ** 32 - 2 ** 26;

/** Results of `run_step` that are no index of a command. */
const FINISHED = -1;
const FAILED = -2;

interface ModuleFacts {
  readonly dataBytes: number;
  readonly tableElements: number;
}

/** What `native/wasm/module.c` exports. Pointers are numbers. */
interface ModuleExports {
  __wasm_call_ctors(): void;
  begin(heap: number): void;
  kernel_count(): number;
  kernel_name(index: number): number;
  last_fault(): number;
  allocate_words(count: number): number;
  load(words: number, length: number, arenaBytes: number): number;
  run_step(program: number, rows: number, number: number, seedLow: number, seedHigh: number, rate: number): number;
  rounds_once(epsilon: number): number;
}

interface Instance extends ModuleExports {
  readonly memory: WebAssembly.Memory;
  readonly rows: RowCopier;
}

/**
 * The C kernels as a WebAssembly module with SIMD, for machines that had no compiler. An arena is the front of an instance's memory, so
 * every binding is an instance of its own. Throws where the engine of this Node cannot run the module.
 */
export function wasmBackend(): Backend {
  const module = new WebAssembly.Module(new Uint8Array(readFileSync(MODULE_PATH)));
  const probe = instantiate(module, 0);
  const kernels = Array.from({ length: probe.kernel_count() }, (_, index) => textAt(probe, probe.kernel_name(index)));
  return {
    name: 'wasm',
    // A processor without a fused multiply-add rounds the product as well: other bits, so another name.
    variant: probe.rounds_once(2 ** -12) === 0 ? 'wasm-simd128-unfused' : 'wasm-simd128',
    kernels: new Set(kernels),
    arenaBytesMax: ARENA_BYTES_MAX,
    bind: (programs) => bindPrograms(module, kernels, programs),
  };
}

function bindPrograms(module: WebAssembly.Module, kernels: readonly string[], programs: readonly Program[]): Bound {
  const instance = instantiate(module, sharedArenaBytes(programs));
  const sessions = programs.map((program) => loadProgram(instance, program, kernels));
  // The memory has its final size now: growing it would have taken the arena's buffer away from those who look at it.
  const arena = instance.memory.buffer;
  instance.rows.attach(arena);
  // The memory of an instance goes with it.
  return {
    arena,
    sessions,
    release: () => undefined,
    rebind: (program, keep) => withFront(bindPrograms(module, kernels, [program]), arena, keep),
  };
}

/** Memory: arena | stack | data | programs. The module is position-independent, so that the arena begins at offset 0 of the buffer. */
function instantiate(module: WebAssembly.Module, arenaBytes: number): Instance {
  const { dataBytes, tableElements } = factsOf(module);
  const stackTop = alignUp(arenaBytes) + STACK_BYTES;
  const heap = stackTop + alignUp(dataBytes);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(heap / PAGE_BYTES), maximum: PAGE_BYTES });
  const rows = createRowCopier();
  const { exports } = new WebAssembly.Instance(module, {
    env: {
      memory,
      // Function 0 would be a null pointer.
      __indirect_function_table: new WebAssembly.Table({ initial: tableElements + 1, element: 'anyfunc' }),
      __table_base: new WebAssembly.Global({ value: 'i32', mutable: false }, 1),
      __memory_base: new WebAssembly.Global({ value: 'i32', mutable: false }, stackTop),
      __stack_pointer: new WebAssembly.Global({ value: 'i32', mutable: true }, stackTop),
    },
    host: { copy_rows: rows.copy },
  });
  if (!isModule(exports)) throw new Error('native/wasm/alma.wasm is not the module this version expects');
  exports.__wasm_call_ctors();
  exports.begin(heap);
  return { ...exports, memory, rows };
}

function isModule(exports: object): exports is ModuleExports {
  return 'load' in exports && 'run_step' in exports && 'rounds_once' in exports;
}

function factsOf(module: WebAssembly.Module): ModuleFacts {
  const [section] = WebAssembly.Module.customSections(module, FACTS_SECTION);
  if (!section) throw new Error('native/wasm/alma.wasm does not say what it needs');
  return JSON.parse(new TextDecoder().decode(section));
}

function loadProgram(instance: Instance, program: Program, kernels: readonly string[]): Session {
  const { memory } = instance;
  const words = encodeProgram(program, kernels);
  const place = instance.allocate_words(words.length) >>> 0;
  if (place === 0) throw new Error('out of memory');
  new Float64Array(memory.buffer, place, words.length).set(words);
  const loaded = instance.load(place, words.length, program.arenaBytes) >>> 0;
  if (loaded === 0) throw new Error(textAt(instance, instance.last_fault()));
  return { run: (request) => runSteps(instance, { loaded, batchSize: program.batchSize }, request) };
}

/** The step loop of `native/program.c`; the module runs one step at a time, because it cannot see the control words. */
function runSteps(instance: Instance, program: { readonly loaded: number; readonly batchSize: number }, request: RunRequest): RunResult {
  const { order, from, to, firstStep, learningRates, seed, control } = request;
  if (from < 0 || from > to || to > order.length) throw new Error('from and to must lie within the order');
  instance.rows.use(request.feeds);
  let steps = 0;
  for (let start = from; start < to; start += program.batchSize) {
    if (Atomics.load(control, CONTROL.stop) !== 0) break;
    const rows = Math.min(program.batchSize, to - start);
    instance.rows.batch(order, start, rows);
    const ended = instance.run_step(program.loaded, rows, firstStep + steps, seed[0], seed[1], learningRates[steps] ?? 0);
    if (ended === FAILED) throw new Error(textAt(instance, instance.last_fault()));
    if (ended !== FINISHED) return { steps, nonFinite: ended };
    steps += 1;
    if (learningRates.length > 0) Atomics.add(control, CONTROL.steps, 1);
  }
  return { steps, nonFinite: null };
}

/** A C string. */
function textAt({ memory }: Instance, pointer: number): string {
  const bytes = new Uint8Array(memory.buffer, pointer >>> 0);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}
