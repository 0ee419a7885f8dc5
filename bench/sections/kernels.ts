import { alternate, type Contestant } from '../sides/alternate.ts';
import type { Workload } from '../workloads.ts';
import { alma, type Bench, present, shareOfPeak } from './bench.ts';

const SIZE = 1024;
const SUM_BYTES = 12 * 2 ** 24;
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

async function measureProduct(bench: Bench): Promise<void> {
  const { machine, peers, withPeers, report } = bench;
  const product = { kind: 'product', threads: 1, workload: NOTHING } as const;
  const request = { ...product, backend: 'cpu' };
  const theirs: Contestant[] = [
    { engine: 'openblas', command: machine?.openblas ?? null, request },
    { engine: 'torch', command: peers.torch, request },
  ];
  for (const outcome of await alternate([alma('native', product), ...(withPeers ? theirs : [])])) {
    const measured = present(outcome, `sgemm_${SIZE}`, report);
    const seconds = measured?.seconds[0];
    if (!measured || seconds === undefined) continue;
    const { engine, variant, threads } = measured;
    const gflops = (2 * SIZE ** 3) / seconds / 1e9;
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
