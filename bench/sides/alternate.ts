import type { Ending, SideRequest } from './protocol.ts';
import { type AbsentSide, type Command, openSide, type Side } from './side.ts';

const ROUNDS = 5;

/** One of those that are measured against each other. */
export interface Contestant {
  readonly engine: string;
  /** Or why it cannot be started. */
  readonly command: Command | AbsentSide;
  readonly request: SideRequest;
}

export interface Outcome {
  readonly engine: string;
  readonly threads: number;
  readonly variant: string;
  /** Seconds per unit of the best round, for each size. */
  readonly seconds: readonly number[];
  readonly ending: Ending;
}

export interface AbsentOutcome {
  readonly engine: string;
  readonly threads: number;
  readonly absent: string;
}

/**
 * Measures all of them in turn, round by round, so that what else the machine does meets everybody alike; the best round
 * counts. `sizes` are given to each side one after the other.
 */
export async function alternate(
  contestants: readonly Contestant[],
  { sizes = [1], rounds = ROUNDS }: { readonly sizes?: readonly number[]; readonly rounds?: number } = {},
): Promise<(Outcome | AbsentOutcome)[]> {
  const entries: Entry[] = [];
  for (const contestant of contestants) entries.push(await enter(contestant));
  for (let round = 0; round < rounds; round++) {
    for (const [i, size] of sizes.entries()) {
      for (const entry of entries) await measure(entry, i, size);
    }
  }
  const outcomes: (Outcome | AbsentOutcome)[] = [];
  for (const entry of entries) outcomes.push(await leave(entry));
  return outcomes;
}

interface Entry {
  readonly contestant: Contestant;
  side: Side | AbsentSide;
  readonly seconds: number[];
}

async function enter(contestant: Contestant): Promise<Entry> {
  const { command, request } = contestant;
  return { contestant, side: await openSide(command, request), seconds: [] };
}

async function measure(entry: Entry, i: number, size: number): Promise<void> {
  if ('absent' in entry.side) return;
  try {
    entry.seconds[i] = Math.min(entry.seconds[i] ?? Number.POSITIVE_INFINITY, await entry.side.round(size));
  } catch (error) {
    entry.side = { absent: reasonOf(error) };
  }
}

async function leave({ contestant, side, seconds }: Entry): Promise<Outcome | AbsentOutcome> {
  const { engine, request } = contestant;
  const base = { engine, threads: request.threads };
  if ('absent' in side) return { ...base, absent: side.absent };
  try {
    return { ...base, variant: side.variant, seconds, ending: await side.end() };
  } catch (error) {
    return { ...base, absent: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
