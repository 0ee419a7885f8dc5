import type { Machine } from '../machine/machine.ts';
import { nodeProgram, type Peers } from '../peers/find-peers.ts';
import type { Report } from '../report/results.ts';
import type { AbsentOutcome, Contestant, Outcome } from '../sides/alternate.ts';
import type { SideRequest } from '../sides/protocol.ts';
import type { Workload } from '../workloads.ts';

/** What every section needs. */
export interface Bench {
  readonly report: Report;
  readonly machine: Machine | null;
  readonly peers: Peers;
  /** Whether the peers are measured too. */
  readonly withPeers: boolean;
  readonly workloads: readonly Workload[];
}

const ALMA = nodeProgram('sides/alma.ts');

export function alma(backend: 'native' | 'wasm', request: Omit<SideRequest, 'backend'>): Contestant {
  return { engine: `alma-${backend}`, command: ALMA, request: { ...request, backend } };
}

/** The outcome of one that was measured; of another, null, and the report says so. */
export function present(outcome: Outcome | AbsentOutcome, workload: string, report: Report): Outcome | null {
  if (!('absent' in outcome)) return outcome;
  report.add({ engine: outcome.engine, workload, threads: outcome.threads, absent: outcome.absent });
  return null;
}

/** Of so many threads; null where the peak of a core is not known. */
export function shareOfPeak({ machine }: Bench, gflops: number, threads: number): number | null {
  return machine === null ? null : gflops / (machine.peakGflops * threads);
}
