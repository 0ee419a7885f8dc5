/** Time of a step of training (or of one product of matrices) on one engine. */
export interface StepResult {
  readonly engine: string;
  readonly variant: string;
  readonly workload: string;
  readonly threads: number;
  readonly us_per_step: number;
  /** Operations really done, per second. */
  readonly gflops: number;
  /** Of what the threads' cores could do at most; null where that was not measured. */
  readonly share_of_peak: number | null;
}

/** Time of one call of a network. */
export interface CallResult {
  readonly engine: string;
  readonly variant: string;
  readonly workload: string;
  readonly threads: number;
  readonly rows: number;
  readonly us_per_call: number;
}

/** Anything else that is one number. */
export interface Figure {
  readonly measure: string;
  readonly value: number;
  readonly unit: string;
  /** What it was measured on and what went into it. */
  readonly detail: string;
}

/** Who could not be measured, and why. */
export interface Absence {
  readonly engine: string;
  readonly workload: string;
  readonly threads: number;
  readonly absent: string;
}

export type Result = StepResult | CallResult | Figure | Absence;

export interface Report {
  readonly results: readonly Result[];
  add(result: Result): void;
}

/** Keeps the results and prints each at once: a line of JSON, or one for people. */
export function createReport({ json }: { json: boolean }): Report {
  const results: Result[] = [];
  return {
    results,
    add(result) {
      results.push(result);
      console.log(json ? JSON.stringify(result) : lineOf(result));
    },
  };
}

function lineOf(result: Result): string {
  if ('measure' in result) return `${result.measure.padEnd(26)} ${number(result.value)} ${result.unit}  (${result.detail})`;
  const who = `${result.workload.padEnd(12)} ${result.engine.padEnd(18)} ${result.threads} thread${result.threads === 1 ? ' ' : 's'}`;
  if ('absent' in result) return `${who}  not present: ${result.absent}`;
  if ('rows' in result) return `${who} ${number(result.us_per_call)} µs for ${result.rows} rows`;
  const share = result.share_of_peak === null ? '' : `${(result.share_of_peak * 100).toFixed(0).padStart(4)} % of peak`;
  return `${who} ${number(result.us_per_step)} µs/step ${number(result.gflops)} GFLOP/s ${share}`;
}

function number(value: number): string {
  return value.toFixed(value < 100 ? 2 : 0).padStart(10);
}
