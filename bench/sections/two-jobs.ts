import { openSide, type Side } from '../sides/side.ts';
import type { Workload } from '../workloads.ts';
import { alma, type Bench } from './bench.ts';

const WORKLOADS = ['mlp_mnist', 'cnn_mnist'];
/** How long a round lasts about: long beside the start of a round. */
const ROUND_SECONDS = 0.5;
const ROUNDS = 11;

/**
 * What two jobs get done at once, against one: how fast each is beside the other, as a share of its speed alone, added up. 2 would be
 * two cores that do not disturb each other. The median of the rounds, because what else the machine does meets one core or both.
 */
export async function measureTwoJobs({ workloads, report }: Bench): Promise<void> {
  for (const workload of workloads.filter(({ name }) => WORKLOADS.includes(name))) {
    const jobs = await Promise.all([open(workload), open(workload)]);
    const [first, second] = jobs;
    if (!first || !second) return;
    const epochs = Math.ceil(ROUND_SECONDS / ((await first.round()) * workload.steps));
    const gains: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const alone = [await first.round(epochs), await second.round(epochs)] as const;
      const beside = await Promise.all([first.round(epochs), second.round(epochs)]);
      gains.push(alone[0] / beside[0] + alone[1] / beside[1]);
    }
    await Promise.all([first.end(), second.end()]);
    report.add({
      measure: 'two_jobs',
      value: median(gains),
      unit: 'x',
      detail: `${workload.name}, throughput of two over one, median of ${ROUNDS} rounds`,
    });
  }
}

async function open(workload: Workload): Promise<Side | null> {
  const { command, request } = alma('native', { kind: 'training', threads: 1, workload });
  const side = await openSide(command, request);
  return 'absent' in side ? null : side;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
