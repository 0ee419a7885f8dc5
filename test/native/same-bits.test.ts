import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { hasAddon } from './native-addon.ts';

const SCRIPT = join(import.meta.dirname, 'kernel-digest.ts');

async function digestWith(instructionSet: string, backend = 'native'): Promise<[variant: string, digest: string]> {
  const env = { ...process.env, ALMA_ISA: instructionSet };
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, backend], { env });
  const [variant = '', digest = ''] = stdout.trim().split(' ');
  return [variant, digest];
}

describe.skipIf(!hasAddon())('native kernels', () => {
  it('give the same bits with AVX2 and AVX-512', async ({ skip }) => {
    const [[wide, wideDigest], [narrow, narrowDigest]] = await Promise.all([digestWith('avx512'), digestWith('avx2')]);
    if (wide !== 'native-avx512' || narrow !== 'native-avx2') skip(`this machine runs ${wide}`);
    expect(wideDigest).toHaveLength(64);
    expect(narrowDigest).toBe(wideDigest);
  });

  it('run on the oldest instruction set of the architecture when told to', async () => {
    const [variant, digest] = await digestWith('baseline');
    expect(variant).toBe(process.arch === 'x64' ? 'native-baseline' : 'native-neon');
    expect(digest).toHaveLength(64);
  });

  it('give the bits of the WebAssembly module, where multiply-adds round once', async ({ skip }) => {
    const [[native, nativeDigest], [wasm, wasmDigest]] = await Promise.all([digestWith(''), digestWith('', 'wasm')]);
    if (native === 'native-baseline' || wasm !== 'wasm-simd128') skip(`this machine runs ${native} and ${wasm}`);
    expect(wasmDigest).toBe(nativeDigest);
  });

  it('give the same bits in two threads at once', async () => {
    const workers = [new Worker(SCRIPT), new Worker(SCRIPT)];
    const [first, second] = await Promise.all(workers.map((worker) => once(worker, 'message')));
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect(first).toEqual(second);
  });
});
