import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KERNELS, kernelReference } from '../../../src/engine/backends/kernel-table.ts';
import { selectBackend } from '../../../src/engine/backends/select.ts';
import { encodeProgram } from '../../../src/engine/plan/encode-program.ts';
import { FAST_BACKENDS } from '../backends-here.ts';

describe('the kernel table', () => {
  it('is what KERNELS.md says', () => {
    const printed = readFileSync(join(import.meta.dirname, '../../../src/engine/ops/KERNELS.md'), 'utf8');
    expect(printed).toBe(kernelReference());
  });

  it.each(FAST_BACKENDS)('is complete in the %s backend', (name) => {
    const { kernels } = selectBackend(name);
    expect([...KERNELS.keys()].filter((kernel) => !kernels.has(kernel))).toEqual([]);
  });
});

describe('the command stream', () => {
  it('holds the counts, offsets, sizes and scalars in order, and refuses a kernel the backend lacks', () => {
    const buffer = { byteOffset: 64, dtype: 'float32', length: 4 } as const;
    const command = { kernel: 'b', buffers: [buffer, null], dims: [{ size: 4, perRow: true }], scalars: [0.5] };
    const program = { commands: [command], arenaBytes: 128, batchSize: 1 };
    expect([...encodeProgram(program, ['a', 'b'])]).toEqual([1, 1, 2, 1, 1, 64, -1, 4, 1, 0.5]);
    expect(() => encodeProgram(program, ['a'])).toThrow(/no kernel b/);
  });
});
