import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isProcessAlive, readStartTime } from './process-alive.ts';

export interface DataDir {
  readonly path: string;
  release(): Promise<void>;
}

/** Another server works on the same data. */
export class DataDirHeldError extends Error {
  readonly pid: number;

  constructor(path: string, pid: number) {
    super(`the data in ${path} is in use by the server with process id ${pid}: stop it, or choose another DATA_DIR`);
    this.name = 'DataDirHeldError';
    this.pid = pid;
  }
}

/** Creates the directory and takes its lock; the lock of a process that is gone is taken over. */
export async function openDataDir(dir: string): Promise<DataDir> {
  const path = resolve(dir);
  // Others must get through: PostgreSQL, started by root, runs under another account.
  await mkdir(path, { recursive: true, mode: 0o711 });
  const lock = join(path, 'server.pid');
  const own = `${lock}.${process.pid}`;
  await writeFile(own, `${process.pid}\n${await readStartTime(process.pid)}\n`);
  try {
    await takeLock(lock, own, path);
  } finally {
    await rm(own, { force: true });
  }
  return { path, release: () => rm(lock, { force: true }) };
}

async function takeLock(lock: string, own: string, path: string): Promise<void> {
  // A link appears at once and whole, and fails if there is one already.
  while (!(await linkOnce(own, lock))) {
    const holder = await livingHolder(lock);
    if (holder !== null) throw new DataDirHeldError(path, holder);
    await removeStale(lock, `${own}.stale`, path);
  }
}

async function linkOnce(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Of several that find a stale lock one renames it; another one may get hold of the new lock, sees so and puts it back. */
async function removeStale(lock: string, aside: string, path: string): Promise<void> {
  try {
    await rename(lock, aside);
  } catch {
    return; // Somebody else was faster.
  }
  const holder = await livingHolder(aside);
  if (holder !== null) await linkOnce(aside, lock);
  await rm(aside, { force: true });
  if (holder !== null) throw new DataDirHeldError(path, holder);
}

/** The id of the process that wrote the lock, if it is still the same process. */
async function livingHolder(lock: string): Promise<number | null> {
  let text: string;
  try {
    text = await readFile(lock, 'utf8');
  } catch {
    return null;
  }
  const [pidText, startTime] = text.split('\n');
  const pid = Number(pidText);
  if (!(pid > 0) || !isProcessAlive(pid)) return null;
  return String(await readStartTime(pid)) === startTime ? pid : null;
}
