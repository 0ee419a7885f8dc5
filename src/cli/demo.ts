// `npm run demo`: starts the server, then uses it like every other client. With `--url` (and `--key`) it uses one that runs.
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createApiClient } from './demo/api-client.ts';
import { runDigitsDemo } from './demo/digits-demo.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

const { values } = parseArgs({ options: { url: { type: 'string' }, key: { type: 'string' } } });
const server = values.url === undefined ? await startServer() : { url: values.url, stop: async () => {} };
try {
  const isSound = await runDemo(server.url, values.key ?? null);
  process.exitCode = isSound ? 0 : 1;
} catch (error) {
  console.error(`the demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await server.stop();
}

async function runDemo(url: string, key: string | null): Promise<boolean> {
  const directory = join(process.env['DATA_DIR'] ?? join(ROOT, '.alma'), 'demo');
  await mkdir(directory, { recursive: true });
  const isSound = await runDigitsDemo({
    api: createApiClient({ url, key }),
    csvPath: join(ROOT, 'examples/digits.csv'),
    weightsPath: join(directory, 'digits.safetensors'),
    out: process.stdout,
  });
  console.log(`
Go on:
  npm start                    the same server; the model is still deployed as "digits"
  ${url}/docs   the whole API, with examples to run (while a server is up)
  ${url}/v1/deployments/digits
  README.md                    from a dataset to predictions with curl`);
  return isSound;
}

/** The server as a child process, up and ready. It is told to end like by a terminal, so that its data stays whole. */
async function startServer(): Promise<Server> {
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts')], {
    cwd: ROOT,
    env: { LOG_LEVEL: 'warn', ...process.env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ready = new Promise<string>((resolve) => {
    child.on('message', (message: { type: string; url: string }) => {
      if (message.type === 'ready') resolve(message.url);
    });
  });
  const url = await Promise.race([ready, exited.then(() => null)]);
  if (url === null) process.exit(1); // it has said why
  console.log();
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
