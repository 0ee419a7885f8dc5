import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AbsentSide, Command } from '../sides/side.ts';

const BENCH = fileURLToPath(new URL('..', import.meta.url));
const PYTHONS = ['python3', '/usr/bin/python3', 'python'];

export interface Peers {
  /** A Python that has PyTorch. */
  readonly torch: Command | AbsentSide;
  /** The packages of `bench/package.json`. */
  readonly tfjs: Command | AbsentSide;
  readonly onnxruntime: Command | AbsentSide;
}

const ABSENT: AbsentSide = { absent: 'not installed' };
export const NO_PEERS: Peers = { torch: ABSENT, tfjs: ABSENT, onnxruntime: ABSENT };

/** The peers on this machine. `install`: the packages among them are fetched if they are not there. */
export async function findPeers({ install }: { install: boolean }): Promise<Peers> {
  const python = await findPython();
  if (install && !isInstalled()) await installPackages();
  return {
    torch: python === null ? ABSENT : { program: python, args: [`${BENCH}peers/torch_side.py`] },
    tfjs: isInstalled() ? nodeProgram('peers/tfjs.mjs') : ABSENT,
    onnxruntime: isInstalled() ? nodeProgram('peers/onnxruntime.mjs') : ABSENT,
  };
}

/** A JavaScript program of the bench as a side. */
export function nodeProgram(path: string): Command {
  return { program: process.execPath, args: [`${BENCH}${path}`] };
}

async function findPython(): Promise<string | null> {
  for (const python of PYTHONS) {
    const found = await new Promise((resolve) => execFile(python, ['-c', 'import torch'], (error) => resolve(error === null)));
    if (found) return python;
  }
  return null;
}

function isInstalled(): boolean {
  return existsSync(`${BENCH}node_modules/.package-lock.json`);
}

/** Without their install scripts: onnxruntime-node brings its CPU library along, its script would fetch one for GPUs. */
async function installPackages(): Promise<void> {
  console.error('installing the peers that are packages (bench/package.json) …');
  const npm = process.env['npm_execpath']?.endsWith('.js') ? [process.execPath, process.env['npm_execpath']] : ['npm'];
  const [program = 'npm', ...args] = [...npm, 'ci', '--prefix', BENCH, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 180_000 });
  const ended = await Promise.race([once(child, 'close').then(([code]) => code === 0), once(child, 'error').then(() => false)]);
  if (!ended) console.error('they could not be installed and are left out');
}
