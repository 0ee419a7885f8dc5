import type { Backend, Program } from './backend.ts';
import { nativeBackend } from './native.ts';
import { referenceBackend } from './reference.ts';
import { selfTest } from './self-test.ts';
import { wasmBackend } from './wasm.ts';

/** `auto` is the fastest backend that works here. */
export type BackendName = 'auto' | Backend['name'];

/** The backends that may not work everywhere, fastest first. */
const FAST = ['native', 'wasm'] as const;
const MAKERS = { native: nativeBackend, wasm: wasmBackend };

const reference = referenceBackend();
/** Each loaded and tested once per thread, at its first use. */
const tried = new Map<(typeof FAST)[number], Backend | Error>();

/** The backend of a name, which throws when it is not there or computes wrong; `auto` then takes the next, at last the reference. */
export function selectBackend(name: BackendName): Backend {
  if (name === 'reference') return reference;
  if (name !== 'auto') {
    const backend = tryOnce(name);
    if (backend instanceof Error) throw new Error(`The ${name} backend cannot be used: ${backend.message}`, { cause: backend });
    return backend;
  }
  for (const candidate of FAST) {
    const backend = tryOnce(candidate);
    if (!(backend instanceof Error)) return backend;
  }
  return reference;
}

/** The backend that runs these programs: the selected one, or the reference when it lacks a kernel or the memory they need. */
export function backendFor(name: BackendName, programs: readonly Program[]): Backend {
  const selected = selectBackend(name);
  const runs = ({ commands, arenaBytes }: Program): boolean =>
    arenaBytes <= selected.arenaBytesMax && commands.every(({ kernel }) => selected.kernels.has(kernel));
  return programs.every(runs) ? selected : reference;
}

function tryOnce(name: (typeof FAST)[number]): Backend | Error {
  const known = tried.get(name);
  if (known) return known;
  const result = tryBackend(MAKERS[name]);
  tried.set(name, result);
  return result;
}

function tryBackend(make: () => Backend): Backend | Error {
  try {
    const backend = make();
    selfTest(backend, reference);
    return backend;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
