import { alternate } from '../sides/alternate.ts';
import { alma, type Bench, present } from './bench.ts';

const WORKLOADS = ['mlp_tabular', 'mlp_mnist', 'cnn_mnist', 'lstm_seq'];
const ROWS = [1, 32, 1024];

/** Time of one call of a network that is ready to predict, for a few and for many rows. */
export async function measureInference({ workloads, peers, withPeers, report }: Bench): Promise<void> {
  for (const workload of workloads.filter(({ name }) => WORKLOADS.includes(name))) {
    const call = { kind: 'inference', threads: 1, workload } as const;
    const theirs = [
      { engine: 'torch', command: peers.torch, request: { ...call, backend: 'cpu' } },
      { engine: 'onnxruntime', command: peers.onnxruntime, request: { ...call, backend: 'cpu' } },
      { engine: 'tfjs-wasm', command: peers.tfjs, request: { ...call, backend: 'wasm' } },
    ];
    const ours = [alma('native', call), alma('wasm', call)];
    for (const outcome of await alternate([...ours, ...(withPeers ? theirs : [])], { sizes: ROWS })) {
      const measured = present(outcome, workload.name, report);
      if (measured === null) continue;
      const { engine, variant, threads, seconds } = measured;
      ROWS.forEach((rows, i) => {
        const us_per_call = (seconds[i] ?? Number.NaN) * 1e6;
        report.add({ engine, variant, workload: workload.name, threads, rows, us_per_call });
      });
    }
  }
}
