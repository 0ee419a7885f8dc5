/*
 * Prints the instruction set and a hash over what every native kernel computes in every case. Run as a program by the
 * tests that compare instruction sets and threads.
 */
import { createHash } from 'node:crypto';
import { isMainThread, parentPort } from 'node:worker_threads';
import { kernelCases, runNative } from './kernel-cases.ts';
import { loadAddon } from './native-addon.ts';

const addon = loadAddon();
const hash = createHash('sha256');
for (const kernelCase of kernelCases()) {
  for (const [i, buffer] of runNative(addon, kernelCase).buffers.entries()) {
    // What a kernel leaves in its scratch is its own affair.
    if (buffer && !kernelCase.kernel.buffers[i]!.includes('scratch'))
      hash.update(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
  }
}
const digest = `${addon.variant} ${hash.digest('hex')}`;
if (isMainThread) console.log(digest);
else parentPort?.postMessage(digest);
