/*
 * Builds `alma.wasm`: the kernels and the interpreter as one WebAssembly module, for machines without a C compiler. The module is part of
 * the repository, so only who changes the C sources needs what builds it: clang with its WebAssembly target, and wasm-ld.
 *
 * `node native/wasm/build.ts` builds it, `--check` says whether it is what the sources make.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reader, sectionsOf, useRelaxedMadd } from './relaxed-madd.ts';

/** The custom section that says what the module was made of and what it needs (`ModuleFacts`). */
export const FACTS_SECTION = 'alma';

export interface ModuleFacts {
  /** SHA-256 over sources and build script. */
  readonly sources: string;
  /** First line of the compiler's `--version`. Another one makes other bytes. */
  readonly compiler: string;
  readonly dataBytes: number;
  readonly tableElements: number;
}

const NATIVE = join(import.meta.dirname, '..');
const MODULE = join(import.meta.dirname, 'alma.wasm');
const UNITS = ['program.c', 'pool.c', 'variant.c', 'wasm/module.c', 'wasm/libc.c'];

// The target of emscripten is the one for which clang makes position-independent code: the data of the module goes behind the arena,
// whose size is known only when a program is bound. Address 0 is the arena's, so clang must not take it for nowhere.
const FLAGS = [
  '--target=wasm32-unknown-emscripten',
  '-msimd128',
  '-mrelaxed-simd',
  '-DALMA_VARIANT=simd128',
  '-std=gnu11',
  '-O3',
  '-fPIC',
  '-fvisibility=hidden',
  '-ffp-contract=off',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-fno-delete-null-pointer-checks',
  '-nostdlibinc',
  '-Wall',
  '-Wextra',
  '-Wno-missing-field-initializers',
  // The stack has no end that stops it (STACK_BYTES in src/engine/backends/wasm.ts).
  '-Wframe-larger-than=16384',
  '-Werror=frame-larger-than',
  '-Werror=implicit-function-declaration',
];
const LINK = ['--experimental-pic', '-shared', '--import-memory', '--strip-all', '-O2'];

/** SHA-256 of everything the module is made of. */
export function fingerprintOfSources(): string {
  const hash = createHash('sha256');
  const files = readdirSync(NATIVE, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'));
  const isSource = (file: string): boolean => UNITS.includes(file) || /^wasm\/.*\.ts$/.test(file) || file.endsWith('.h');
  for (const file of files.filter(isSource).sort()) hash.update(file).update(readFileSync(join(NATIVE, file)));
  return hash.digest('hex');
}

/** What a module says of itself. */
export function factsOf(bytes: Uint8Array<ArrayBuffer>): ModuleFacts {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(bytes), FACTS_SECTION);
  if (!section) throw new Error(`the module has no section ${FACTS_SECTION}`);
  return JSON.parse(new TextDecoder().decode(section));
}

/** The module in the repository. */
export function committedModule(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(MODULE));
}

/** First line of what the compiler says of itself, or null when there is none that makes WebAssembly. */
export function findCompiler(): string | null {
  try {
    const targets = execFileSync(compiler(), ['--print-targets'], { encoding: 'utf8' });
    execFileSync(linker(), ['--version'], { stdio: 'ignore' });
    if (!targets.includes('wasm32')) return null;
    return execFileSync(compiler(), ['--version'], { encoding: 'utf8' }).split('\n', 1)[0] ?? null;
  } catch {
    return null;
  }
}

/** Compiles and links the module. Throws with the compiler's words when it refuses. */
export function buildModule(compilerVersion: string): Uint8Array<ArrayBuffer> {
  const workspace = mkdtempSync(join(tmpdir(), 'alma-wasm-'));
  try {
    const objects = UNITS.map((unit) => {
      const object = join(workspace, `${unit.replaceAll('/', '-')}.o`);
      // The functions of the C library must not be made of calls of themselves.
      const own = unit === 'wasm/libc.c' ? ['-fno-builtin'] : [];
      // Relative paths, so that the place of the sources does not matter.
      execFileSync(compiler(), [...FLAGS, ...own, '-isystem', 'wasm/include', '-c', unit, '-o', object], { cwd: NATIVE, stdio: 'inherit' });
      return object;
    });
    const linked = join(workspace, 'alma.wasm');
    execFileSync(linker(), [...LINK, ...objects, '-o', linked]);
    return withFacts(new Uint8Array(readFileSync(linked)), compilerVersion);
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

function withFacts(linked: Uint8Array, compilerVersion: string): Uint8Array<ArrayBuffer> {
  useRelaxedMadd(linked);
  const facts: ModuleFacts = { sources: fingerprintOfSources(), compiler: compilerVersion, ...needsOf(linked) };
  const name = Buffer.from(FACTS_SECTION);
  const content = Buffer.concat([Buffer.from(numberBytes(name.length)), name, Buffer.from(JSON.stringify(facts))]);
  return new Uint8Array(Buffer.concat([linked, Buffer.from([0, ...numberBytes(content.length)]), content]));
}

/**
 * Bytes of data and elements of the function table, from the linker's section `dylink.0`
 * (https://github.com/WebAssembly/tool-conventions/blob/main/DynamicLinking.md), the first of the module.
 */
function needsOf(linked: Uint8Array): Pick<ModuleFacts, 'dataBytes' | 'tableElements'> {
  const [section] = sectionsOf(linked);
  const reader = new Reader(linked, section?.from ?? 0);
  const name = String.fromCharCode(...Array.from({ length: reader.number() }, () => reader.byte()));
  const subsection = reader.number();
  if (name !== 'dylink.0' || subsection !== 1) throw new Error('the linker did not say how much memory the module needs');
  reader.number();
  const dataBytes = reader.number();
  reader.number();
  return { dataBytes, tableElements: reader.number() };
}

/** LEB128. */
function numberBytes(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...numberBytes(value >>> 7)];
}

function compiler(): string {
  return process.env['WASM_CC'] ?? 'clang';
}

function linker(): string {
  return process.env['WASM_LD'] ?? 'wasm-ld';
}

/** Null, or what is wrong with the module in the repository. */
export function problemOfModule(): string | null {
  if (!existsSync(MODULE)) return 'native/wasm/alma.wasm is missing';
  const bytes = committedModule();
  const facts = factsOf(bytes);
  if (facts.sources !== fingerprintOfSources()) return 'native/wasm/alma.wasm was made from other sources';
  const version = findCompiler();
  // Other compilers make other bytes; where it is the same one, the module must be what it makes.
  if (version !== facts.compiler) return null;
  return Buffer.compare(bytes, buildModule(version)) === 0 ? null : 'native/wasm/alma.wasm is not what its sources make';
}

function main(): void {
  if (process.argv.includes('--check')) {
    const problem = problemOfModule();
    if (problem === null) return;
    console.error(`${problem}: run node native/wasm/build.ts (needs clang with the wasm32 target and wasm-ld) and commit the result`);
    process.exitCode = 1;
    return;
  }
  const version = findCompiler();
  if (version === null) {
    console.error('no compiler for WebAssembly found: clang with the wasm32 target and wasm-ld (WASM_CC and WASM_LD name others)');
    process.exitCode = 1;
    return;
  }
  const bytes = buildModule(version);
  writeFileSync(MODULE, bytes);
  console.log(`native/wasm/alma.wasm: ${bytes.length} bytes`);
}

if (import.meta.main) main();
