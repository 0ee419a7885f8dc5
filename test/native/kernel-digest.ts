/*
 * Prints the variant of a backend (`native` unless the first argument says `wasm`) and a hash over what every kernel computes in every case.
 * Run as a program by the tests that compare instruction sets and threads.
 */
import { createHash } from 'node:crypto';
import { isMainThread, parentPort } from 'node:worker_threads';
import { selectBackend } from '../../src/engine/backends/select.ts';
import { kernelCases, runOn } from './kernel-cases.ts';

const backend = selectBackend(process.argv[2] === 'wasm' ? 'wasm' : 'native');
const hash = createHash('sha256');
for (const kernelCase of kernelCases()) {
  for (const [i, buffer] of runOn(backend, kernelCase).buffers.entries()) {
    // What a kernel leaves in its scratch is its own affair.
    if (buffer && !kernelCase.kernel.buffers[i]!.includes('scratch'))
      hash.update(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
  }
}
const digest = `${backend.variant} ${hash.digest('hex')}`;
if (isMainThread) console.log(digest);
else parentPort?.postMessage(digest);
