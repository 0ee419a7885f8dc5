import { PLANTED_BUGS } from '../programs/planted-bugs.ts';
import type { Invariant } from './invariant.ts';
import { inSeconds } from './report.ts';
import type { Trial } from './trial.ts';
import type { QueueName } from './world.ts';

const BROKEN_MAX = 10;

export function printTrial({ outcome, report, milliseconds, error, log }: Trial, { id, promise }: Invariant, queue: QueueName): void {
  const faults = [...report.faults].map(([fault, count]) => `${count} × ${fault}`).join(', ');
  const lines = [
    `${outcome === 'kept' ? 'ok  ' : 'FAIL'} ${id} on ${queue} (${inSeconds(milliseconds)}) ${promise}`,
    `     ${report.checks} checks; faults: ${faults}`,
    ...[...report.figures].map(([name, value]) => `     ${name}: ${value}`),
  ];
  if (outcome !== 'kept') {
    lines.push(...report.broken.slice(0, BROKEN_MAX).map((promised) => `     BROKEN: ${promised}`));
    if (error !== null) lines.push(`     ERROR: ${error}`);
    lines.push(`     log: ${log}`);
  }
  console.log(lines.join('\n'));
}

/** Returns its row of the table. */
export function printControl({ outcome, report, error, milliseconds, log }: Trial, bug: string): string {
  const { breaks = '', what = '' } = PLANTED_BUGS[bug] ?? {};
  const isCaught = outcome === 'broken';
  const seen = report.broken[0] ?? error ?? 'nothing broke';
  console.log(`${isCaught ? 'caught' : 'MISSED'}  ${bug} (${breaks}, ${inSeconds(milliseconds)}): ${seen}`);
  if (!isCaught) console.log(`        log: ${log}`);
  return `| \`${bug}\` | ${what} | ${isCaught ? breaks : '**none**'}: ${seen} |`;
}
