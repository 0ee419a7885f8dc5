import { openSide, type Side } from '../sides/side.ts';
import type { Workload } from '../workloads.ts';
import { alma, type Bench } from './bench.ts';

const WORKLOADS = ['mlp_mnist', 'cnn_mnist'];
/** How long a round lasts about: long beside the start of a round. */
const ROUND_SECONDS = 0.5;
/** More than for one side: a round of two is only as good as the worse of them. */
const ROUNDS = 15;

/** What two jobs at once get done, against one: 2 would be two cores that do not disturb each other. */
export async function measureTwoJobs({ workloads, report }: Bench): Promise<void> {
  for (const workload of workloads.filter(({ name }) => WORKLOADS.includes(name))) {
    const jobs = await Promise.all([open(workload), open(workload)]);
    const [first, second] = jobs;
    if (!first || !second) return;
    const epochs = Math.ceil(ROUND_SECONDS / ((await first.round()) * workload.steps));
    let [alone, together] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < ROUNDS; round++) {
      alone = Math.min(alone, await first.round(epochs));
      const both = await Promise.all([first.round(epochs), second.round(epochs)]);
      together = Math.min(together, Math.max(...both));
    }
    await Promise.all([first.end(), second.end()]);
    report.add({ measure: 'two_jobs', value: (2 * alone) / together, unit: 'x', detail: `${workload.name}, throughput of two over one` });
  }
}

async function open(workload: Workload): Promise<Side | null> {
  const { command, request } = alma('native', { kind: 'training', threads: 1, workload });
  const side = await openSide(command, request);
  return 'absent' in side ? null : side;
}
