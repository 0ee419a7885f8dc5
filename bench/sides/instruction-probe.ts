// Run under callgrind, which counts what the kernels do: a dump for each epoch of each workload, in order.
import { train } from '../../src/engine/index.ts';
import { trainingRequest } from '../training-request.ts';
import { WORKLOADS } from '../workloads.ts';

/** Epochs of a workload; each is one dump. */
const EPOCHS = 2;

for (const name of process.argv.slice(2)) {
  const workload = WORKLOADS.find((candidate) => candidate.name === name);
  if (workload === undefined) throw new Error(`there is no workload ${name}`);
  const epochs = train(trainingRequest({ ...workload, steps: 1 }, { backend: 'native', threads: 1 }));
  for (let epoch = 0; epoch < EPOCHS; epoch++) epochs.next();
}
