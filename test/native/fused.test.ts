import { describe, expect, it } from 'vitest';
import { CELL_ACTIVATIONS, cellActivationCode } from '../../src/engine/ops/cell-activations.ts';
import { encodeWords, hasAddon, loadAddon, runProgram } from './native-addon.ts';

const [M, K, N] = [29, 300, 37];
const DIMS = [M, K, N].map((size) => [size, false] as const);
const [X, W, BIAS, APART, FUSED] = [0, M * K, (M + N) * K, (M + N) * K + N, (M + N) * K + N + M * N].map((length) => length * 4);
/** Those with an op of the same name that has no options. */
const NAMES = CELL_ACTIVATIONS.filter((name) => !['linear', 'leaky_relu', 'elu'].includes(name));

describe.skipIf(!hasAddon())('a product with its activation', () => {
  it.each(NAMES)('%s has the bits of the two kernels one after the other', (name) => {
    const addon = loadAddon();
    const arena = new ArrayBuffer(FUSED! + M * N * 4);
    const numbers = new Float32Array(arena);
    numbers.forEach((_, i) => {
      numbers[i] = Math.sin(i * 7.7) / 3;
    });
    const program = addon.load(
      encodeWords(addon, [
        { kernel: 'dense', offsets: [X!, W!, BIAS!, APART!], dims: DIMS },
        { kernel: name, offsets: [APART!, APART!], dims: [[M * N, false]] },
        { kernel: 'dense_activated', offsets: [X!, W!, BIAS!, FUSED!], dims: DIMS, scalars: [cellActivationCode(name)] },
      ]),
      arena,
    );
    runProgram(addon, program, arena, { order: Int32Array.of(0), batchSize: 1 });
    expect(new Uint8Array(arena, FUSED!, M * N * 4)).toEqual(new Uint8Array(arena, APART!, M * N * 4));
    expect(new Set(new Float32Array(arena, FUSED!, M * N)).size).toBeGreaterThan(100);
  });
});
