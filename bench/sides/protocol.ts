// How the bench talks to what it measures. Every side is a process of its own, so that neither memory nor a compiler that
// learns while it runs disturbs another: it reads a request (one line of JSON), answers `Ready`, and then waits. `round`
// measures once and answers seconds per unit (a step, a call, a product); `end` ends it. A side that waits costs nothing.

import { createInterface } from 'node:readline';
import type { Workload } from '../workloads.ts';

export interface SideRequest {
  /** What a round measures. */
  readonly kind: 'training' | 'inference' | 'product' | 'sum' | 'job';
  /** Of several that a side has. */
  readonly backend: string;
  readonly threads: number;
  readonly workload: Workload;
}

/** First answer: ready, or why it cannot take part. */
export interface Ready {
  readonly absent?: string;
  /** Version or instruction set in use. */
  readonly variant?: string;
}

/** Answer to `end`. */
export interface Ending {
  /** Hash of all weights after the rounds. */
  readonly weights_sha256?: string;
  /** Numbers in weights of two and more axes: engines that train the same network have the same. */
  readonly kernel_values?: number;
  /** Of jobs: seconds of each epoch, a list for each round. */
  readonly epoch_seconds?: readonly (readonly number[])[];
}

export interface Rounds {
  readonly variant: string;
  /** Seconds per unit. `size` is the rows of a call or the epochs of a round: the kind of measurement says which. */
  round(size: number): number | Promise<number>;
  end(): Ending;
}

/** The loop of a side that is written in JavaScript. What it throws while it makes ready is why it is absent. */
export async function serveRounds(open: (request: SideRequest) => Rounds | Promise<Rounds>): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const answer = (reply: object): void => console.log(JSON.stringify(reply));
  let rounds: Rounds;
  try {
    rounds = await open(JSON.parse(String((await lines.next()).value)));
  } catch (error) {
    answer({ absent: error instanceof Error ? error.message : String(error) } satisfies Ready);
    process.stdin.destroy();
    return;
  }
  answer({ variant: rounds.variant } satisfies Ready);
  for (;;) {
    const [command, size] = String((await lines.next()).value ?? 'end').split(' ');
    if (command !== 'round') break;
    answer({ seconds: await rounds.round(Number(size)) });
  }
  answer(rounds.end());
  process.stdin.destroy();
}
