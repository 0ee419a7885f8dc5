import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ApiServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** The service as `npm start` runs it, in a directory of its own that is gone afterwards. */
export async function startServer(): Promise<ApiServer> {
  const directory = await mkdtemp(join(tmpdir(), 'alma-bench-'));
  await chmod(directory, 0o711); // The embedded database drops to an account that must get in.
  const child = fork(fileURLToPath(new URL('../src/main.ts', import.meta.url)), {
    env: { ...process.env, PORT: '0', DATA_DIR: join(directory, 'data'), LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const ready = new Promise<string>((resolve) => {
    child.on('message', (message: { type: string; url: string }) => {
      if (message.type === 'ready') resolve(message.url);
    });
  });
  const url = await Promise.race([ready, exited.then(() => null)]);
  if (url === null) throw new Error('the server did not start');
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
