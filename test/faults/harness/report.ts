/** A promise that was not kept, as one of the checks of an invariant saw it. */
export class BrokenPromise extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'BrokenPromise';
  }
}

/** What one invariant did and saw. */
export interface Report {
  /** Faults that were injected, by kind. */
  readonly faults: ReadonlyMap<string, number>;
  /** Checks that held. */
  readonly checks: number;
  readonly broken: readonly string[];
  readonly figures: ReadonlyMap<string, string>;
}

export interface Recorder extends Report {
  injected(fault: string): void;
  /** Notes whether something promised holds; the invariant goes on either way. */
  check(holds: boolean, what: string): void;
  figure(name: string, value: string): void;
  /** Milliseconds, shown by their median and their largest. */
  times(name: string, milliseconds: readonly number[]): void;
  /** Asks until the answer is not null; the promise is broken when that takes too long. */
  within<T>(what: string, milliseconds: number, ask: () => T | null | Promise<T | null>): Promise<T>;
}

const POLL_MS = 20;

export function createRecorder(): Recorder {
  const faults = new Map<string, number>();
  const figures = new Map<string, string>();
  const broken: string[] = [];
  let checks = 0;
  return {
    faults,
    figures,
    broken,
    get checks() {
      return checks;
    },
    injected: (fault) => void faults.set(fault, (faults.get(fault) ?? 0) + 1),
    check: (holds, what) => {
      if (holds) checks += 1;
      else broken.push(what);
    },
    figure: (name, value) => void figures.set(name, value),
    times: (name, milliseconds) => {
      if (milliseconds.length > 0)
        figures.set(name, `median ${inSeconds(quantile(milliseconds, 0.5))}, largest ${inSeconds(Math.max(...milliseconds))}`);
    },
    within: async (what, milliseconds, ask) => {
      const deadline = performance.now() + milliseconds;
      for (;;) {
        const answer = await ask();
        if (answer !== null) {
          checks += 1;
          return answer;
        }
        if (performance.now() > deadline) throw new BrokenPromise(`${what}: not within ${inSeconds(milliseconds)}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
  };
}

/** The value that so large a part of them is not above. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

export function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
