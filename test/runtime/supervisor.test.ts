import { describe, expect, test, vi } from 'vitest';
import { expectGone, runProgram } from '../support/processes.ts';

describe('supervisor', () => {
  test('a worker that is killed is reported and another one started; both end with the supervisor', async () => {
    const supervisor = runProgram('test/runtime/programs/supervise.ts', []);
    const first = Number((await supervisor.line(/alive (\d+)/))[1]);
    process.kill(first, 'SIGKILL');
    await supervisor.line(new RegExp(`died ${first} SIGKILL`));
    const second = await vi.waitFor(
      () => {
        const alive = supervisor.lines.filter((line) => line.startsWith('alive'));
        expect(alive).toHaveLength(2);
        return Number(alive[1]?.split(' ')[1]);
      },
      { timeout: 30_000 },
    );
    expect(second).not.toBe(first);
    supervisor.child.kill('SIGTERM');
    expect(await supervisor.exit()).toEqual({ code: 0, signal: null });
    await expectGone(second);
    expect(supervisor.lines.filter((line) => line.startsWith('died'))).toHaveLength(1);
  });

  test('the worker ends when its parent is killed', async () => {
    const supervisor = runProgram('test/runtime/programs/supervise.ts', []);
    const worker = Number((await supervisor.line(/alive (\d+)/))[1]);
    supervisor.child.kill('SIGKILL');
    await supervisor.exit();
    await expectGone(worker);
  });
});
