// The way in for `npm run demo|start|bench` and `npm test` on a fresh clone: makes what is missing (dependencies, the
// database client, the native kernels), then runs the program. Plain JavaScript for any Node from 18 on: before the
// dependencies are there, this is all that can run.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const MODULES = join(ROOT, 'node_modules');
/** Written when an installation is complete; holds the hash of the lock file it was made from. */
const MARKER = join(MODULES, '.alma-installed');
const NODE_MIN = [22, 18];

const PROGRAMS = {
  start: 'src/main.ts',
  demo: 'src/cli/demo.ts',
  test: 'src/cli/test.ts',
  bench: 'bench/run.ts',
  accuracy: 'bench/accuracy.ts',
  check: 'src/cli/check.ts',
  conformance: 'src/cli/conformance.ts',
  faults: 'test/faults/run.ts',
  generate: 'src/cli/generate.ts',
  'api-key': 'src/cli/api-key.ts',
  'test-containers': 'src/cli/test-containers.ts',
};

/** Programs that are servers or start some. */
const SERVERS = ['start', 'demo', 'faults'];
/**
 * In MB. V8 would let a server's young objects grow to 48 MB before it looks which are dead, and each read of a socket is one that holds
 * 64 KB outside: twenty uploads at a time took 420 MiB, and take 300 MiB like this. The Dockerfile says the same.
 */
const SERVER_OPTIONS = '--max-semi-space-size=4';

const [name = '', ...args] = process.argv.slice(2);
const program = PROGRAMS[name];
if (program === undefined) fail(`usage: node src/cli/run.mjs ${Object.keys(PROGRAMS).join('|')}`);

await prepare();
process.exitCode = await run(findNode(), [join(ROOT, program), ...args]);

/** One at a time: two commands started together must not install into each other. */
async function prepare() {
  const lock = join(tmpdir(), `alma-prepare-${createHash('sha256').update(ROOT).digest('hex').slice(0, 12)}.pid`);
  while (!takeLock(lock)) await delay(200);
  try {
    await installDependencies();
    await generateClient();
    await buildKernels();
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const holder = Number(readFileSync(lock, { encoding: 'utf8', flag: 'a+' }));
  if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true });
  return false;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function installDependencies() {
  const wanted = hashOf([join(ROOT, 'package-lock.json')]);
  if (existsSync(MARKER)) {
    if (readFileSync(MARKER, 'utf8') === wanted) return;
  } else if (isInstalledByHand()) {
    writeFileSync(MARKER, wanted);
    return;
  }
  say('installing the locked dependencies (npm ci) …');
  // npm's own program when npm runs this, so that no shell has to find it. Install scripts are not needed: what they
  // would do is done here.
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await must('npm ci', npm[0], [...npm.slice(1), ...options]);
  writeFileSync(MARKER, wanted);
}

/** `npm ci` or `npm install` was run by the user, after the last change of the lock file. */
function isInstalledByHand() {
  const installed = statSync(join(MODULES, '.package-lock.json'), { throwIfNoEntry: false });
  return installed !== undefined && installed.mtimeMs >= statSync(join(ROOT, 'package-lock.json')).mtimeMs;
}

/** The database client is generated from the schema. */
async function generateClient() {
  const generated = join(ROOT, 'src/db/generated');
  const marker = join(generated, '.schema-hash');
  const wanted = hashOf([join(ROOT, 'prisma/schema.prisma'), join(MODULES, 'prisma/package.json')]);
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  say('generating the database client …');
  await must('prisma generate', findNode(), [join(MODULES, 'prisma/build/index.js'), 'generate'], { quiet: true });
  writeFileSync(marker, wanted);
}

/** The kernels are compiled on this machine, if they are not up to date. Without them the engine runs those in WebAssembly. */
async function buildKernels() {
  const child = spawn(findNode(), [join(ROOT, 'native/build.ts')], { cwd: ROOT, stdio: 'inherit' });
  if ((await exitCodeOf(child)) !== 0)
    say('the native kernels could not be built: the engine computes with WebAssembly, several times slower');
}

/** The Node of the lock file; where there is no build of it for this machine, the one that runs this, if it is new enough. */
function findNode() {
  for (const package_ of readdirSync(MODULES).filter((entry) => entry.startsWith('node-'))) {
    const node = join(MODULES, package_, 'bin', 'node');
    if (existsSync(node)) return node;
  }
  const [major, minor] = process.versions.node.split('.').map(Number);
  const enough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  if (!enough) fail(`Node ${NODE_MIN.join('.')} or newer is needed on this machine; this is ${process.versions.node}`);
  return process.execPath;
}

/** Runs a step of the preparation; its output matters only when it fails, where `quiet`. */
async function must(what, command, commandArgs, { quiet = false } = {}) {
  const child = spawn(command, commandArgs, { cwd: ROOT, stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data));
  const code = await exitCodeOf(child);
  if (code !== 0) fail(`${output}${what} failed (exit code ${code})`);
}

/** Runs the program in this process's place: signals go to it, its exit code comes back. */
async function run(node, nodeArgs) {
  const options = [...(SERVERS.includes(name) ? [SERVER_OPTIONS] : []), process.env.NODE_OPTIONS ?? ''].join(' ');
  const env = { ...process.env, NODE_OPTIONS: options, PATH: `${join(MODULES, '.bin')}:${process.env.PATH ?? ''}` };
  const child = spawn(node, nodeArgs, { cwd: ROOT, stdio: 'inherit', env });
  // At Ctrl-C the terminal tells the child as well; the programs take two signals at once for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal));
  endWithNpm(child);
  return exitCodeOf(child);
}

/** npm passes SIGTERM to its shell, which dies of it and tells nobody: this process then has another parent. */
function endWithNpm(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, 250);
  watch.unref();
}

function exitCodeOf(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex');
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(message) {
  say(message);
  process.exit(1);
}
