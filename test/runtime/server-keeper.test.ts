import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { type KeptServer, keepServerRunning } from '../../src/runtime/server-keeper.ts';
import { eventually } from '../support/eventually.ts';

test('a server that does not start is tried again until it does', async () => {
  let pid = await deadPid();
  const dead = pid;
  let tries = 0;
  const restart = async (): Promise<void> => {
    tries++;
    if (tries === 1) throw new Error('no room');
    pid = process.pid;
  };
  const { lines, close } = keep({
    get pid() {
      return pid;
    },
    restart,
  });
  await eventually('it is started again', () => lines.find(([, event]) => event === 'redis_restarted') ?? null);
  await close();
  expect(lines).toEqual([
    [{ redis_pid: dead }, 'redis_died'],
    [{ err: new Error('no room') }, 'redis_restart_failed'],
    [{ redis_pid: dead }, 'redis_died'],
    [{ redis_pid: process.pid }, 'redis_restarted'],
  ]);
});

test('a server that dies while the service ends is left alone, and nothing is said', async () => {
  let restarts = 0;
  const restart = async (): Promise<void> => void restarts++;
  const { lines, close } = keep({ pid: await deadPid(), restart }, () => true);
  await close(); // The first look comes at once.
  expect({ restarts, lines }).toEqual({ restarts: 0, lines: [] });
});

test('a start that fails because the service ends meanwhile is no news', async () => {
  let ending = false;
  const restart = async (): Promise<void> => {
    ending = true;
    throw new Error('interrupted');
  };
  const { lines, close } = keep({ pid: await deadPid(), restart }, () => ending);
  await close();
  expect(lines.map(([, event]) => event)).toEqual(['redis_died']);
});

function keep(server: KeptServer, isEnding = () => false) {
  const lines: [unknown, string | undefined][] = [];
  const log = (fields: unknown, event?: string): void => void lines.push([fields, event]);
  const { close } = keepServerRunning({ name: 'redis', server, logger: { error: log, info: log }, isEnding });
  return { lines, close };
}

/** The id of a process that was and is no more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid ?? 0;
}
