import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { isProcessAlive } from '../../src/runtime/process-alive.ts';

export interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The lines of output so far, of both kinds. */
  readonly lines: string[];
  /** The first line that matches, now or later. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  exit(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Runs a TypeScript file of this repository, by its path from the root, in a process of its own. */
export function runProgram(path: string, args: readonly string[], env: Record<string, string> = {}): Program {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => lines.push(line));
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return {
    child,
    pid: child.pid ?? 0,
    lines,
    line: (pattern) =>
      vi.waitFor(
        () => {
          const match = lines.map((line) => pattern.exec(line)).find((found) => found !== null);
          if (match === undefined || match === null) throw new Error(`no line like ${pattern} in:\n${lines.join('\n')}`);
          return match;
        },
        { timeout: 30_000 },
      ),
    exit: () => exited,
  };
}

/** Waits until the process is gone. */
export async function expectGone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(isProcessAlive(pid)).toBe(false), { timeout: 30_000 });
}
