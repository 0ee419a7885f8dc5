import type { Program } from '../backends/backend.ts';

/** The word stream of `backends/README.md`: every number a double, kernels by their index in the backend's table. */
export function encodeProgram(program: Program, kernels: readonly string[]): Float64Array {
  const words = [program.commands.length];
  for (const { kernel, buffers, dims, scalars } of program.commands) {
    const index = kernels.indexOf(kernel);
    if (index < 0) throw new Error(`The backend has no kernel ${kernel}`);
    words.push(index, buffers.length, dims.length, scalars.length);
    for (const buffer of buffers) words.push(buffer ? buffer.byteOffset : -1);
    for (const { size, perRow } of dims) words.push(size, perRow ? 1 : 0);
    words.push(...scalars);
  }
  return Float64Array.from(words);
}
