import type { Backend, Program } from './backend.ts';
import { nativeBackend } from './native.ts';
import { referenceBackend } from './reference.ts';
import { selfTest } from './self-test.ts';

/** `auto` is the fastest backend that works here. */
export type BackendName = 'auto' | Backend['name'];

const reference = referenceBackend();
/** Loaded and tested once per thread, at the first use. */
let native: Backend | Error | undefined;

/** The backend of a name. `native` throws when it is not there or computes wrong; `auto` then takes the reference. */
export function selectBackend(name: BackendName): Backend {
  if (name === 'reference') return reference;
  native ??= tryNative();
  if (!(native instanceof Error)) return native;
  if (name === 'native') throw new Error(`The native backend cannot be used: ${native.message}`, { cause: native });
  return reference;
}

/** The backend that runs these programs: the selected one, or the reference when it lacks a kernel they need. */
export function backendFor(name: BackendName, programs: readonly Program[]): Backend {
  const selected = selectBackend(name);
  const needed = programs.flatMap(({ commands }) => commands.map(({ kernel }) => kernel));
  return needed.every((kernel) => selected.kernels.has(kernel)) ? selected : reference;
}

function tryNative(): Backend | Error {
  try {
    const backend = nativeBackend();
    selfTest(backend, reference);
    return backend;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
