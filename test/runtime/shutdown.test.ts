import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createShutdown } from '../../src/runtime/shutdown.ts';
import { runProgram } from '../support/processes.ts';

test('what was opened last is closed first, once, and a failure keeps nothing open', async () => {
  const closed: string[] = [];
  const shutdown = createShutdown(pino({ level: 'silent' }));
  shutdown.add('database', async () => void closed.push('database'));
  shutdown.add('queue', () => Promise.reject(new Error('queue')));
  shutdown.add('http', async () => void closed.push('http'));
  await Promise.all([shutdown.run(), shutdown.run()]);
  expect(closed).toEqual(['http', 'database']);
});

test('an abort in the middle reaches what is not closed yet', async () => {
  const aborted: string[] = [];
  const shutdown = createShutdown(pino({ level: 'silent' }));
  shutdown.add(
    'database',
    async () => undefined,
    () => aborted.push('database'),
  );
  shutdown.add(
    'worker',
    () => new Promise(() => undefined),
    () => aborted.push('worker'),
  );
  shutdown.add(
    'http',
    async () => undefined,
    () => aborted.push('http'),
  );
  void shutdown.run();
  await Promise.resolve(); // http is closed, the worker hangs.
  await new Promise(setImmediate);
  shutdown.abort();
  expect(aborted).toEqual(['worker', 'database']);
});

test('a thread that cannot be ended keeps no process alive', async () => {
  const program = runProgram('test/runtime/programs/stuck-thread.ts', []);
  await program.line(/busy/);
  program.child.kill('SIGTERM');
  expect(await program.exit()).toEqual({ code: null, signal: 'SIGKILL' });
  expect(program.lines.join('\n')).toContain('shutdown_took_too_long');
});
