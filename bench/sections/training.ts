import { operationsPerStep } from '../operations.ts';
import { type AbsentOutcome, alternate, type Contestant, type Outcome } from '../sides/alternate.ts';
import type { Workload } from '../workloads.ts';
import { alma, type Bench, present, shareOfPeak } from './bench.ts';

/** It does about 2e9 operations per second in wasm and 5e8 in JavaScript: with more per step it would hold up everybody else. */
const TFJS_OPERATIONS_MAX = 1e9;

/** Time of a training step: ours on each backend and with two threads, in turn with every peer. */
export async function measureTraining(bench: Bench): Promise<void> {
  for (const workload of bench.workloads) {
    const outcomes = await alternate(contestants(bench, workload));
    checkSameNetwork(workload, outcomes);
    const operations = operationsPerStep(workload);
    for (const outcome of outcomes) {
      const measured = present(outcome, workload.name, bench.report);
      const seconds = measured?.seconds[0];
      if (!measured || seconds === undefined) continue;
      const { engine, variant, threads } = measured;
      const gflops = operations / seconds / 1e9;
      bench.report.add({
        engine,
        variant,
        workload: workload.name,
        threads,
        us_per_step: seconds * 1e6,
        gflops,
        share_of_peak: shareOfPeak(bench, gflops, threads),
      });
    }
    compareThreads(bench, workload, outcomes);
  }
}

function contestants({ peers, withPeers }: Bench, workload: Workload): Contestant[] {
  const step = { kind: 'training', workload } as const;
  const ours = [alma('native', { ...step, threads: 1 }), alma('native', { ...step, threads: 2 }), alma('wasm', { ...step, threads: 1 })];
  if (!withPeers) return ours;
  const torch = (threads: number) => ({ engine: 'torch', command: peers.torch, request: { ...step, threads, backend: 'cpu' } });
  const tfjsCommand = operationsPerStep(workload) > TFJS_OPERATIONS_MAX ? { absent: 'left out: seconds per step' } : peers.tfjs;
  const tfjs = (backend: string) => ({ engine: `tfjs-${backend}`, command: tfjsCommand, request: { ...step, threads: 1, backend } });
  const [one, two, wasm] = ours as [Contestant, Contestant, Contestant];
  return [one, torch(1), two, torch(2), wasm, tfjs('wasm'), tfjs('cpu')];
}

/** A comparison of different networks would say nothing. */
function checkSameNetwork({ name }: Workload, outcomes: readonly (Outcome | AbsentOutcome)[]): void {
  const sizes = new Map(
    outcomes.flatMap((outcome) => ('absent' in outcome ? [] : [[outcome.engine, outcome.ending.kernel_values ?? 0] as const])),
  );
  if (new Set(sizes.values()).size > 1) throw new Error(`${name} is not the same network everywhere: ${JSON.stringify([...sizes])}`);
}

/** What a second thread is worth, and whether it left the weights alone. */
function compareThreads({ report }: Bench, { name }: Workload, outcomes: readonly (Outcome | AbsentOutcome)[]): void {
  const ours = (threads: number) => outcomes.find((outcome) => outcome.engine === 'alma-native' && outcome.threads === threads);
  const [one, two] = [ours(1), ours(2)];
  if (!one || !two || 'absent' in one || 'absent' in two) return;
  const equal = one.ending.weights_sha256 === two.ending.weights_sha256;
  report.add({
    measure: 'two_threads',
    value: (one.seconds[0] ?? Number.NaN) / (two.seconds[0] ?? Number.NaN),
    unit: 'x',
    detail: `${name}, ${equal ? 'the same bits' : 'OTHER BITS'}`,
  });
}
