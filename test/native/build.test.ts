import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { hasAddon } from './native-addon.ts';

const SCRIPT = join(import.meta.dirname, '../../native/build.ts');

describe('building the native kernels', () => {
  it('is a notice and no failure on a machine without a compiler', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'alma-no-compiler-'));
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT], { env: { PATH: empty } });
    rmSync(empty, { recursive: true });
    expect(stdout).toContain('no C compiler found');
    expect(stdout).toContain('WebAssembly');
  });

  it.skipIf(!hasAddon())('does and says nothing when sources, flags and compiler are those of the last build', async () => {
    await promisify(execFile)(process.execPath, [SCRIPT]);
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT]);
    expect(stdout).toBe('');
  });
});
