import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs the tests in a process whose exit code becomes this one's. Arguments of the command line go to it as well. */
export function runVitest(options: readonly string[]): void {
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const child = spawn(process.execPath, [vitest, 'run', ...options, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.on('SIGINT', () => undefined); // The terminal tells the child, which stops what it started.
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
