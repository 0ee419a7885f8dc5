// `npm run bench`: how fast training and prediction are here, beside the peers that this machine has. `--json` prints a line per
// result, `--only` picks workloads or sections (`--only ours` leaves the peers out; may be repeated), `--instructions` counts instead of
// timing. A run of everything writes `bench/RESULTS.md`. Figures of one run on one machine: compare only within a run.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { checkInstructions } from './instructions.ts';
import { measureMachine } from './machine/machine.ts';
import { findPeers, NO_PEERS } from './peers/find-peers.ts';
import { markdownOf } from './report/markdown.ts';
import { createReport } from './report/results.ts';
import type { Bench } from './sections/bench.ts';
import { measureInference } from './sections/inference.ts';
import { measureKernels, refuseSlowBlas } from './sections/kernels.ts';
import { measureService } from './sections/service.ts';
import { measureTraining } from './sections/training.ts';
import { measureTwoJobs } from './sections/two-jobs.ts';
import { WORKLOADS } from './workloads.ts';

const SECTIONS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  kernels: measureKernels,
  training: measureTraining,
  inference: measureInference,
  'two-jobs': measureTwoJobs,
  service: measureService,
};

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    instructions: { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
  },
});

if (values.instructions) {
  if (!(await checkInstructions({ update: values.update }))) process.exitCode = 1;
} else await measure(values);

async function measure({ json, only }: { json: boolean; only: readonly string[] }): Promise<void> {
  const withPeers = !only.includes('ours');
  const names = only.filter((name) => name !== 'ours');
  const unknown = names.find((name) => !(name in SECTIONS) && WORKLOADS.every((workload) => workload.name !== name));
  if (unknown !== undefined) throw new Error(`there is no workload or section ${unknown}`);
  const workloads = WORKLOADS.filter(({ name }) => names.includes(name));
  const machine = await measureMachine();
  const found = withPeers ? await findPeers({ install: names.length === 0 }) : NO_PEERS;
  const peers = { ...found, torch: await refuseSlowBlas(found.torch, machine) };
  const report = createReport({ json });
  const bench: Bench = { report, machine, peers, withPeers, workloads: workloads.length > 0 ? workloads : WORKLOADS };
  for (const [name, section] of Object.entries(SECTIONS)) {
    // Workloads alone mean their training.
    const wanted = names.length === 0 || names.includes(name) || (name === 'training' && workloads.length === names.length);
    if (wanted) await section(bench);
  }
  if (only.length === 0) await writeFile(new URL('RESULTS.md', import.meta.url), markdownOf(report.results, new Date()));
}
