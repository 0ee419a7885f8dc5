import type { RequestFault } from '../errors.ts';
import { FAULTS_LISTED_MAX, moreFaults } from '../lib/listed-faults.ts';

/** Collects everything wrong with one upload in bounded memory. */
export interface FaultCollector {
  add(fault: RequestFault): void;
  /** How many were added, listed or not. */
  count(): number;
  /** The first ones in the order of their lines, and a last entry that says how many more there are. */
  list(): RequestFault[];
}

export function createFaultCollector(): FaultCollector {
  const listed: RequestFault[] = [];
  let count = 0;
  return {
    add: (fault) => {
      count += 1;
      if (listed.length < FAULTS_LISTED_MAX) listed.push(fault);
    },
    count: () => count,
    list: () => {
      const more = count - listed.length;
      const ordered = listed.toSorted((a, b) => lineOf(a) - lineOf(b));
      return more === 0 ? ordered : [...ordered, moreFaults(more)];
    },
  };
}

function lineOf(fault: RequestFault): number {
  return 'line' in fault && fault.line !== undefined ? fault.line : 0;
}

const SHOWN_CHARS_MAX = 100;

/** A cell as a fault shows it: cut to a readable length. */
export function shownValue(cell: string): string {
  return cell.length <= SHOWN_CHARS_MAX ? cell : `${cell.slice(0, SHOWN_CHARS_MAX)}…`;
}
