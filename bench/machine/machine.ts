import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Command } from '../sides/side.ts';

const SOURCE = fileURLToPath(new URL('machine.c', import.meta.url));
const COMPILERS = ['cc', 'gcc', 'clang'];
const FLAGS = ['-O2', '-ffp-contract=fast', '-funroll-loops'];
/** Of the machine that compiles; which word the compiler takes differs. */
const TUNINGS = ['-march=native', '-mcpu=native'];
const run = promisify(execFile);

export interface Machine {
  /** Fused multiply-adds of one core, two operations each. */
  readonly peakGflops: number;
  /** Of a copy, reading and writing counted. */
  readonly copyGbPerSecond: number;
  /** A side that multiplies matrices with OpenBLAS. */
  readonly openblas: Command;
}

/** Measures the machine. Null where there is no C compiler to build the measurement. */
export async function measureMachine(): Promise<Machine | null> {
  const program = await build();
  if (program === null) return null;
  const { gflops } = JSON.parse((await run(program, ['peak'])).stdout) as { gflops: number };
  const { gb_per_s } = JSON.parse((await run(program, ['copy'])).stdout) as { gb_per_s: number };
  return { peakGflops: gflops, copyGbPerSecond: gb_per_s, openblas: { program, args: ['product'] } };
}

async function build(): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'alma-machine-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const program = join(directory, 'machine');
  const named = process.env['CC'];
  for (const compiler of named ? [named] : COMPILERS) {
    for (const tuning of TUNINGS) {
      const built = await run(compiler, [...FLAGS, tuning, SOURCE, '-ldl', '-o', program]).catch(() => null);
      if (built !== null) return program;
    }
  }
  return null;
}
