// Loaded by `--import` into a process, and each of its threads, that is to have a fault. `KILL_AT` is a kill point, `FAULT_BUG` a
// planted bug, `CLOCK_SKEW_SECONDS` how wrong its wall clock is. Without them it changes nothing but that it ends with the harness.

import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { KILL_POINTS, type KillPointName, killChange } from './kill-points.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';
import { applyChange, fileUrl, type SourceChange } from './source-change.ts';

const [point, pass = '1'] = (process.env['KILL_AT'] ?? '').split(':');
const bug = process.env['FAULT_BUG'] ?? '';
const skewMs = Number(process.env['CLOCK_SKEW_SECONDS'] ?? 0) * 1000;

const changes: SourceChange[] = [];
if (isKillPoint(point)) changes.push(killChange(point));
else if (point) throw new Error(`there is no kill point ${point}`);
if (bug !== '') {
  const planted = PLANTED_BUGS[bug];
  if (planted === undefined) throw new Error(`there is no planted bug ${bug}`);
  changes.push(...planted.changes);
}

function isKillPoint(name: string | undefined): name is KillPointName {
  return name !== undefined && Object.hasOwn(KILL_POINTS, name);
}

let passes = 0;
Reflect.set(globalThis, 'reachKillPoint', (name: string): void => {
  passes += 1;
  if (passes !== Number(pass)) return;
  writeSync(2, `killed at ${name}\n`);
  process.kill(process.pid, 'SIGKILL');
});

if (isMainThread && process.connected) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel?.unref(); // Listening alone must not keep it alive.
}

if (changes.length > 0) {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const wanted = changes.filter((change) => fileUrl(change) === url);
      if (wanted.length === 0) return loaded;
      return { ...loaded, source: wanted.reduce(applyChange, String(loaded.source)) };
    },
  });
}

if (skewMs !== 0) {
  const RealDate = Date;
  const now = (): number => RealDate.now() + skewMs;
  const skewed = new Proxy(RealDate, {
    construct: (target, args) => (args.length === 0 ? new target(now()) : Reflect.construct(target, args)),
    apply: () => new RealDate(now()).toString(),
    get: (target, member) => (member === 'now' ? now : Reflect.get(target, member)),
  });
  Reflect.set(globalThis, 'Date', skewed);
}
