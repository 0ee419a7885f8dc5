// `npm run test:containers`: the tests that use PostgreSQL or Redis, on containers of both. Needs a container engine.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const child = spawn(process.execPath, [vitest, 'run', '--config', 'vitest.containers.config.ts', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.on('SIGINT', () => undefined); // The terminal tells the child, which stops the containers.
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
