import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findFreePort } from '../../src/runtime/port.ts';
import { createTestDatabase } from '../support/database.ts';
import { expectGone, runProgram } from '../support/processes.ts';
import { startServer, type TestServer } from '../support/servers.ts';

describe('server', () => {
  let dir: string;
  const started: TestServer[] = [];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'alma-server-'));
    await chmod(dir, 0o711);
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.stop()));
    await rm(dir, { recursive: true, force: true });
  });

  async function start(env: Record<string, string> = {}): Promise<TestServer> {
    const server = await startServer({ DATA_DIR: join(dir, 'data'), ...env });
    started.push(server);
    return server;
  }

  test('needs nothing but a directory, is ready when it says so, keeps its data and leaves no process behind', async () => {
    const first = await start();
    expect(await (await fetch(`${first.url}/readyz`)).json()).toEqual({
      status: 'ready',
      checks: { database: 'ok', queue: 'ok', worker: 'ok' },
    });
    const created = await fetch(`${first.url}/v1/datasets`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'kept', builtin: 'xor' }),
    });
    expect(created.status).toBe(201);
    const postgres = Number((await readFile(join(dir, 'data/postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
    const worker = await workerPid(first.url);
    await first.stop();
    expect(first.child.exitCode).toBe(0);
    await expectGone(worker);
    await expectGone(postgres);

    const second = await start();
    const { data } = await jsonOf<{ data: { name: string }[] }>(`${second.url}/v1/datasets`);
    expect(data.map(({ name }) => name)).toEqual(['kept']);
  });

  test('a second one on the same data refuses and names the first; beside it, a busy port is replaced', async () => {
    const port = await findFreePort();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    const first = await start({ PORT: String(port) });
    expect(new URL(first.url).port).not.toBe(String(port));
    const second = runProgram('src/main.ts', [], { DATA_DIR: join(dir, 'data'), PORT: '0' });
    expect((await second.exit()).code).toBe(1);
    expect(second.lines.join('\n')).toContain(`server with process id ${first.pid}`);
    other.close();
  });

  test('when its worker is killed it answers on, and another worker takes over', async () => {
    const server = await start();
    const first = await workerPid(server.url);
    process.kill(first, 'SIGKILL');
    await expectGone(first);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    await vi.waitFor(async () => expect(await workerPid(server.url)).not.toBe(first), { timeout: 30_000, interval: 100 });
    expect(server.lines.some((line) => line.includes('worker_exited') && line.includes('SIGKILL'))).toBe(true);
  });

  test('killed itself, it takes its worker with it, and the next start takes over its servers', async () => {
    const server = await start();
    const worker = await workerPid(server.url);
    server.child.kill('SIGKILL');
    await expectGone(worker);
    const next = await start();
    expect((await fetch(`${next.url}/readyz`)).status).toBe(200);
  });

  test('listening to the network it does not start before there is a key', async () => {
    const database = await createTestDatabase();
    const env = { ROLE: 'api', DATABASE_URL: database.url, QUEUE: 'postgres', HOST: '0.0.0.0' };
    const refused = runProgram('src/main.ts', [], { ...env, PORT: '0' });
    expect((await refused.exit()).code).toBe(1);
    expect(refused.lines.join('\n')).toContain('npm run api-key');
    const maker = runProgram('src/cli/api-key.ts', ['--name', 'ci'], { DATABASE_URL: database.url });
    const [key] = await maker.line(/^alma_\S+$/);
    const { url, stop } = await start(env);
    expect((await fetch(`${url}/v1/jobs`)).status).toBe(401);
    expect((await fetch(`${url}/v1/jobs`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
    await stop();
    await database.drop();
  });

  test('faults of the environment are told all at once', async () => {
    const program = runProgram('src/main.ts', [], { PORT: 'http', ROLE: 'both' });
    expect((await program.exit()).code).toBe(1);
    expect(program.lines.join('\n')).toMatch(/2 faults[\s\S]*ROLE must be one of all, api, worker, received "both"[\s\S]*PORT must be/);
  });
});

async function workerPid(url: string): Promise<number> {
  const { data } = await jsonOf<{ data: { pid: number }[] }>(`${url}/v1/workers`);
  const [worker] = data;
  if (worker === undefined) throw new Error('no live worker');
  return worker.pid;
}

async function jsonOf<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}
