import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface TestServer {
  readonly url: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** Everything it has written. */
  readonly lines: string[];
  /** Asks it to end and waits for that. */
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Starts the real server as a process and waits until it is ready. It ends with the test process. */
export async function startServer(env: Record<string, string>): Promise<TestServer> {
  const child = fork(MAIN, { env: { ...process.env, PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) if (input !== null) createInterface({ input }).on('line', (line) => lines.push(line));
  const url = await new Promise<string>((resolve, reject) => {
    child.on('message', (message: { type: string; url: string }) => {
      if (message.type === 'ready') resolve(message.url);
    });
    child.once('exit', (code, signal) => reject(new Error(`the server ended (${code ?? signal}):\n${lines.join('\n')}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    child,
    lines,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
