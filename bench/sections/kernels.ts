import type { Machine } from '../machine/machine.ts';
import type { Peers } from '../peers/find-peers.ts';
import { alternate, type Contestant } from '../sides/alternate.ts';
import type { Workload } from '../workloads.ts';
import { alma, type Bench, present, shareOfPeak } from './bench.ts';

const SIZE = 1024;
const PRODUCT_OPERATIONS = 2 * SIZE ** 3;
const SUM_BYTES = 12 * 2 ** 24;
/** Of the peak: what any BLAS that is made for the machine does at the very least, also while others use the machine. */
const BLAS_SHARE_MIN = 0.2;
/** Each takes a tenth of a second: more of them meet a moment in which nobody else uses the machine. */
const PRODUCT_ROUNDS = 20;
/** The kernels are asked for directly, for no network. */
const NOTHING: Workload = { name: 'none', task: 'regression', features: 1, classes: 1, batchSize: 1, steps: 1, spec: { layers: [] } };

/** How near single kernels come to what the machine can do: a product of matrices, and a sum of arrays that no cache holds. */
export async function measureKernels(bench: Bench): Promise<void> {
  const { machine, report } = bench;
  if (machine !== null) {
    report.add({ measure: 'fma_peak', value: machine.peakGflops, unit: 'GFLOP/s', detail: 'one core, fused multiply-adds' });
    report.add({ measure: 'copy_bandwidth', value: machine.copyGbPerSecond, unit: 'GB/s', detail: 'one core, read and written' });
  }
  await measureProduct(bench);
  await measureSum(bench);
}

/** PyTorch with the reference BLAS is many times slower than it need be: nothing is claimed over that one. */
export async function refuseSlowBlas(torch: Peers['torch'], machine: Machine | null): Promise<Peers['torch']> {
  if (machine === null || 'absent' in torch) return torch;
  const request = { kind: 'product', threads: 1, workload: NOTHING, backend: 'cpu' } as const;
  const [outcome] = await alternate([{ engine: 'torch', command: torch, request }]);
  if (outcome === undefined || 'absent' in outcome) return outcome ?? torch;
  const gflops = PRODUCT_OPERATIONS / (outcome.seconds[0] ?? Number.NaN) / 1e9;
  if (gflops >= BLAS_SHARE_MIN * machine.peakGflops) return torch;
  return {
    absent: `its BLAS does ${gflops.toFixed(1)} of ${machine.peakGflops.toFixed(0)} GFLOP/s: install an optimised one (libopenblas0-pthread)`,
  };
}

async function measureProduct(bench: Bench): Promise<void> {
  const { machine, peers, withPeers, report } = bench;
  const product = { kind: 'product', threads: 1, workload: NOTHING } as const;
  const request = { ...product, backend: 'cpu' };
  const theirs: Contestant[] = [
    { engine: 'openblas', command: machine?.openblas ?? { absent: 'no C compiler' }, request },
    { engine: 'torch', command: peers.torch, request },
  ];
  for (const outcome of await alternate([alma('native', product), ...(withPeers ? theirs : [])], { rounds: PRODUCT_ROUNDS })) {
    const measured = present(outcome, `sgemm_${SIZE}`, report);
    const seconds = measured?.seconds[0];
    if (!measured || seconds === undefined) continue;
    const { engine, variant, threads } = measured;
    const gflops = PRODUCT_OPERATIONS / seconds / 1e9;
    const share_of_peak = shareOfPeak(bench, gflops, 1);
    report.add({ engine, variant, workload: `sgemm_${SIZE}`, threads, us_per_step: seconds * 1e6, gflops, share_of_peak });
  }
}

async function measureSum({ machine, report }: Bench): Promise<void> {
  const [outcome] = await alternate([alma('native', { kind: 'sum', threads: 1, workload: NOTHING })]);
  const seconds = outcome && !('absent' in outcome) ? outcome.seconds[0] : undefined;
  if (seconds === undefined) return;
  const rate = SUM_BYTES / seconds / 1e9;
  const share = machine === null ? '' : `, ${((rate / machine.copyGbPerSecond) * 100).toFixed(0)} % of a copy`;
  report.add({ measure: 'sum_bandwidth', value: rate, unit: 'GB/s', detail: `alma-native, a + b of 2^24 numbers${share}` });
}
