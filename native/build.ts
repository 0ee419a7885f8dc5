/*
 * Builds the addon: the kernels once per instruction set, the interpreter and the N-API glue once, linked into
 * `native/build/alma.node`. Needs a C compiler and nothing else; without one the engine runs the same kernels
 * as WebAssembly, which come built (`native/wasm`).
 */
import { type ExecFileException, execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NativeBuild {
  /** `unsupported`: no compiler or no recipe for this machine. `failed`: the compiler refused. */
  readonly outcome: 'built' | 'current' | 'unsupported' | 'failed';
  /** One line for people; the compiler's words when it refused. */
  readonly message: string;
}

interface Variant {
  readonly name: string;
  readonly flags: readonly string[];
}

interface Step {
  readonly source: string;
  readonly object: string;
  readonly flags: readonly string[];
}

interface Run {
  readonly ok: boolean;
  readonly output: string;
}

const ROOT = import.meta.dirname;
const OUTPUT = join(ROOT, 'build');
const ADDON = join(OUTPUT, 'alma.node');
const STAMP = join(OUTPUT, 'alma.sha256');
const HEADERS = join(ROOT, '../node_modules/node-api-headers/include');

// Contraction stays off: kernels write their fused multiply-adds themselves, so all variants round alike.
const FLAGS = [
  '-std=gnu11',
  '-O3',
  '-fPIC',
  '-fvisibility=hidden',
  '-ffp-contract=off',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-Wall',
  '-Wextra',
  '-Werror=implicit-function-declaration',
];

const AVX2 = ['-mavx2', '-mfma'];
const VARIANTS: Readonly<Record<string, readonly Variant[]>> = {
  x64: [
    { name: 'avx512', flags: [...AVX2, '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl'] },
    { name: 'avx2', flags: AVX2 },
    { name: 'baseline', flags: [] },
  ],
  arm64: [{ name: 'neon', flags: [] }],
};

const LINK: Readonly<Record<string, readonly string[]>> = {
  linux: ['-shared', '-pthread', '-lm'],
  darwin: ['-bundle', '-undefined', 'dynamic_lookup'],
};

/** Builds the addon unless it is up to date. Never throws: the outcome says what happened. */
export async function buildNative(): Promise<NativeBuild> {
  const variants = VARIANTS[process.arch];
  const link = LINK[process.platform];
  if (!variants || !link) return { outcome: 'unsupported', message: `no native kernels for ${process.platform} on ${process.arch}` };
  const compiler = await findCompiler();
  if (!compiler) return { outcome: 'unsupported', message: 'no C compiler found (cc, gcc or clang; CC names another)' };
  const stamp = fingerprint(compiler.version, variants, link);
  if (existsSync(ADDON) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) {
    return { outcome: 'current', message: 'native kernels are up to date' };
  }
  mkdirSync(OUTPUT, { recursive: true });
  // Built aside and renamed, so that neither a second builder nor a process that has the addon loaded sees half a file.
  const workspace = mkdtempSync(join(OUTPUT, 'new-'));
  try {
    return await compile({ command: compiler.command, variants, link, stamp, workspace });
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

interface CompileRequest {
  readonly command: string;
  readonly variants: readonly Variant[];
  readonly link: readonly string[];
  readonly stamp: string;
  readonly workspace: string;
}

async function compile({ command, variants, link, stamp, workspace }: CompileRequest): Promise<NativeBuild> {
  const steps: Step[] = variants.map(({ name, flags }) => ({
    source: 'variant.c',
    object: join(workspace, `${name}.o`),
    flags: [...flags, `-DALMA_VARIANT=${name}`],
  }));
  for (const source of ['addon.c', 'pool.c', 'program.c', 'variants.c']) {
    steps.push({ source, object: join(workspace, `${source}.o`), flags: [`-I${HEADERS}`] });
  }
  const compiled = await Promise.all(
    steps.map(({ source, object, flags }) => runTool(command, [...FLAGS, ...flags, '-c', join(ROOT, source), '-o', object])),
  );
  const refused = compiled.find(({ ok }) => !ok);
  if (refused) return { outcome: 'failed', message: refused.output };
  const fresh = join(workspace, 'alma.node');
  const linked = await runTool(command, [...steps.map(({ object }) => object), ...link, '-o', fresh]);
  if (!linked.ok) return { outcome: 'failed', message: linked.output };
  renameSync(fresh, ADDON);
  writeFileSync(STAMP, stamp);
  return { outcome: 'built', message: `native kernels built with ${command}` };
}

async function findCompiler(): Promise<{ command: string; version: string } | null> {
  const named = process.env['CC'];
  for (const command of named ? [named] : ['cc', 'gcc', 'clang']) {
    const { ok, output } = await runTool(command, ['--version']);
    if (ok) return { command, version: output };
  }
  return null;
}

/** What the addon depends on: compiler, flags and every source. */
function fingerprint(compilerVersion: string, variants: readonly Variant[], link: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([compilerVersion, FLAGS, variants, link]));
  const sources = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter((file) => /\.[ch]$/.test(file));
  for (const file of sources.sort()) hash.update(file).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

function runTool(command: string, args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(command, args, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ ok: error === null, output: error ? stderr || error.message : stdout + stderr });
    });
  });
}

if (import.meta.main) {
  const { outcome, message } = await buildNative();
  if (outcome !== 'current') console.log(message);
  if (outcome === 'failed') process.exitCode = 1;
  if (outcome === 'unsupported') console.log('The engine runs its kernels as WebAssembly, which is several times slower.');
}
