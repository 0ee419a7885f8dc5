// `npm run conformance -- <folder>`: runs a folder of golden cases against every backend there is here. Exit code 1 when one fails.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Backend, runCase, selectBackend } from '../engine/index.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: npm run conformance -- <folder>');
  process.exit(1);
}

const files = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .toSorted();
const cases = files.map((file) => ({ file, vector: readCase(join(folder, file)) }));
const counts = { passed: 0, failed: 0 };
for (const backend of backends()) {
  console.log(`backend ${backend.variant}`);
  for (const { file, vector } of cases) runOne(file, vector, backend);
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
// No case at all proves nothing.
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

/** Without a C compiler there is no native one. */
function backends(): Backend[] {
  const native = selectBackend('auto').name === 'native' ? (['native'] as const) : [];
  return (['reference', ...native, 'wasm'] as const).map(selectBackend);
}

/** A file that is no JSON is a failure of its own, not the end of all others. */
function readCase(path: string): unknown {
  const text = readFileSync(path, 'utf8');
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function runOne(file: string, vector: unknown, backend: Backend): void {
  const { passed, largestError, problems } = runCase(vector, backend);
  counts[passed ? 'passed' : 'failed'] += 1;
  const error = Number.isNaN(largestError) ? '-' : largestError.toExponential(2);
  console.log(`${passed ? 'PASS' : 'FAIL'}  ${file.replace(/\.json$/, '').padEnd(52)} largest error ${error}`);
  for (const problem of problems) console.log(`      ${problem}`);
}
