import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataDirHeldError, openDataDir } from '../../src/runtime/data-dir.ts';
import { runProgram } from '../support/processes.ts';

describe('data directory', () => {
  let parent: string;
  let dir: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'alma-data-'));
    dir = join(parent, 'deep', 'data');
  });

  afterEach(() => rm(parent, { recursive: true, force: true }));

  test('a second server is refused and told who holds it, until the first one is killed', async () => {
    const first = runProgram('test/runtime/programs/hold-data-dir.ts', [dir]);
    await first.line(/held/);
    const refusal = await openDataDir(dir).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DataDirHeldError);
    expect(refusal).toMatchObject({ pid: first.pid, message: expect.stringContaining(String(first.pid)) });
    first.child.kill('SIGKILL');
    await first.exit();
    await (await openDataDir(dir)).release();
  });

  test('the lock of a process whose id now belongs to another one is taken over', async () => {
    await (await openDataDir(dir)).release();
    await writeFile(join(dir, 'server.pid'), `${process.ppid}\nanother start time\n`);
    const held = await openDataDir(dir);
    expect(await readFile(join(dir, 'server.pid'), 'utf8')).toContain(String(process.pid));
    await held.release();
  });

  test('of several servers that find a stale lock one gets the directory', async () => {
    await (await openDataDir(dir)).release();
    await writeFile(join(dir, 'server.pid'), '999999999\nlong ago\n');
    const starters = Array.from({ length: 4 }, () => runProgram('test/runtime/programs/hold-data-dir.ts', [dir]));
    const lost = (await Promise.all(starters.map((starter) => Promise.race([starter.exit(), starter.line(/held/)])))).filter(
      (outcome) => 'code' in outcome,
    );
    expect(lost).toHaveLength(3);
    for (const starter of starters) starter.child.kill('SIGKILL');
    await Promise.all(starters.map((starter) => starter.exit()));
  });

  test('leaves no file behind', async () => {
    await (await openDataDir(dir)).release();
    expect(await readdir(dir)).toEqual([]);
  });
});
