import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Those whose step is short enough to be run by a simulator. */
const WORKLOADS = ['mlp_tabular', 'mlp_mnist', 'cnn_mnist', 'cnn_bn', 'rnn_seq', 'lstm_seq', 'gru_seq'];
const EPOCHS = 2;
/** Above it a step has become dearer. */
const TOLERANCE = 0.03;
const PROBE = fileURLToPath(new URL('sides/instruction-probe.ts', import.meta.url));
const BASELINE = new URL('instructions.json', import.meta.url);
const run = promisify(execFile);

interface Baseline {
  /** Another compiler writes other instructions. */
  readonly compiler: string;
  /** Instructions of one training step in the kernels. */
  readonly instructions: Readonly<Record<string, number>>;
}

/**
 * Counts the instructions of a training step, which no noise can blur, and compares them with `bench/instructions.json`; `update`
 * writes that file anew. Valgrind knows no AVX-512, so AVX2 is counted. True if nothing became dearer.
 */
export async function checkInstructions({ update }: { update: boolean }): Promise<boolean> {
  const counted: Baseline = { compiler: await compilerVersion(), instructions: await count() };
  const baseline: Baseline = update ? counted : JSON.parse(await readFile(BASELINE, 'utf8'));
  if (update) await writeFile(BASELINE, `${JSON.stringify(counted, null, 2)}\n`);
  if (baseline.compiler !== counted.compiler) console.log(`the baseline is of ${baseline.compiler}, this is ${counted.compiler}`);
  let good = true;
  for (const [workload, instructions] of Object.entries(counted.instructions)) {
    const change = instructions / (baseline.instructions[workload] ?? Number.NaN) - 1;
    const dearer = !(change <= TOLERANCE);
    if (dearer) good = false;
    const verdict = dearer ? 'DEARER' : '';
    console.log(
      `${workload.padEnd(12)} ${instructions.toLocaleString('en').padStart(15)} instructions/step ${(change * 100).toFixed(2).padStart(7)} % ${verdict}`,
    );
  }
  return good || baseline.compiler !== counted.compiler;
}

/** Instructions of the second step of each workload: the first may still prepare something. */
async function count(): Promise<Record<string, number>> {
  const directory = await mkdtemp(join(tmpdir(), 'alma-instructions-'));
  try {
    const callgrind = ['--tool=callgrind', '--toggle-collect=run_program', '--dump-after=run_program'];
    const args = [...callgrind, `--callgrind-out-file=${join(directory, 'dump')}`, process.execPath, PROBE, ...WORKLOADS];
    await run('valgrind', args, { env: { ...process.env, ALMA_ISA: 'avx2' } });
    const totals = await dumpTotals(directory);
    // The self-test of the backend comes before.
    const ours = totals.slice(-EPOCHS * WORKLOADS.length);
    return Object.fromEntries(WORKLOADS.map((name, i) => [name, ours[EPOCHS * i + EPOCHS - 1] ?? Number.NaN]));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Instructions of each run of a program, in order: `dump.1`, `dump.2`, … */
async function dumpTotals(directory: string): Promise<number[]> {
  const numbers = (await readdir(directory)).flatMap((file) => /^dump\.(\d+)$/.exec(file)?.slice(1).map(Number) ?? []);
  const texts = await Promise.all(numbers.sort((a, b) => a - b).map((dump) => readFile(join(directory, `dump.${dump}`), 'utf8')));
  return texts.filter((text) => text.includes('Trigger: --dump-after')).map((text) => Number(/^totals: (\d+)/m.exec(text)?.[1]));
}

async function compilerVersion(): Promise<string> {
  const { stdout } = await run(process.env['CC'] ?? 'cc', ['--version']);
  return stdout.split('\n')[0] ?? '';
}
