// `npm run check`: everything that can be said about the code without running it. Stops at the first step that fails.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const STEPS: readonly { readonly what: string; readonly command: readonly [string, ...string[]] }[] = [
  { what: 'format and lint', command: ['biome', 'ci', '.'] },
  { what: 'types', command: ['tsc', '--project', '.'] },
  { what: 'import directions', command: ['depcruise', '--config', '.dependency-cruiser.mjs', 'src', 'workers'] },
  { what: 'dead code', command: ['knip'] },
  { what: 'dead code of the service', command: ['knip', '--production', '--include', 'files,dependencies,unlisted,unresolved'] },
  { what: 'generated files are fresh', command: ['node', 'src/cli/generate.ts', '--check'] },
  { what: 'the WebAssembly module is fresh', command: ['node', 'native/wasm/build.ts', '--check'] },
];

for (const { what, command } of STEPS) {
  const started = performance.now();
  const code = await run(command);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${what} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (code !== 0) process.exit(code);
}

/** Runs a tool of node_modules/.bin, which is on PATH here; its output matters only when it fails. */
function run([program, ...args]: readonly [string, ...string[]]): Promise<number> {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once('close', (code) => {
      if (code !== 0) process.stderr.write(output);
      resolve(code ?? 1);
    });
  });
}
