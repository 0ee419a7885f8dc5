import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Ending, Ready, SideRequest } from './protocol.ts';

/** Longer than any answer may take: a side that is so slow is said to be, and left. */
const PATIENCE_MS = 30_000;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** A process that measures when it is told to. */
export interface Side {
  readonly variant: string;
  /** Seconds per unit. `patience`, in milliseconds, is for a round that is meant to be long. */
  round(size?: number, patience?: number): Promise<number>;
  end(): Promise<Ending>;
}

export interface AbsentSide {
  /** Why it cannot be measured. */
  readonly absent: string;
}

/** Starts a side and waits until it is ready. */
export async function openSide(command: Command | AbsentSide, request: SideRequest): Promise<Side | AbsentSide> {
  if ('absent' in command) return command;
  const child = spawn(command.program, command.args, { env: environment(request.threads), stdio: ['pipe', 'pipe', 'pipe'] });
  const ask = conversation(child);
  const ready = await ask<Ready>(JSON.stringify(request)).catch((error: Error): Ready => ({ absent: error.message }));
  if (ready.absent !== undefined) {
    child.kill('SIGKILL');
    return { absent: ready.absent };
  }
  return {
    variant: ready.variant ?? '',
    round: async (size = 1, patience?: number) => (await ask<{ seconds: number }>(`round ${size}`, patience)).seconds,
    end: () => ask<Ending>('end').finally(() => child.kill()),
  };
}

/** Peers get as many threads as they are asked to use, and their libraries as they come: nothing tuned, nothing held back. */
function environment(threads: number): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...env } = process.env;
  return { ...env, OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}`, MKL_NUM_THREADS: `${threads}` };
}

/** One line in, one line out. */
function conversation(child: ChildProcess): <Reply>(line: string, patience?: number) => Promise<Reply> {
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('a side has no pipes');
  let lastWords = '';
  stderr.setEncoding('utf8').on('data', (text: string) => (lastWords = (lastWords + text).slice(-2000)));
  stdin.on('error', () => undefined); // Of one that has ended; its answer says so.
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => reject(new Error(complaint(lastWords) ?? `it ended with ${code ?? signal}`)));
  });
  ended.catch(() => undefined);
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return async <Reply>(line: string, patience = PATIENCE_MS) => {
    stdin.write(`${line}\n`);
    const late = setTimeout(() => {
      lastWords = `no answer within ${PATIENCE_MS / 1000} s`;
      child.kill('SIGKILL');
    }, patience);
    try {
      const { value, done } = await lines.next();
      return done ? await ended : (JSON.parse(value) as Reply);
    } finally {
      clearTimeout(late);
    }
  };
}

/** The line of what a program said at its end that tells most. */
function complaint(text: string): string | undefined {
  const lines = text.trim().split('\n');
  return (lines.findLast((line) => line.includes('Error')) ?? lines.at(-1)) || undefined;
}
