/*
 * The steps of a sequence as rows and back: x (t, …) per row is the same memory as t rows of (…), so a layer for single steps
 * works on all of them at once. Aliases: they have no kernel and no buffer.
 */
import { defineOp, OpError } from './op.ts';

export const stepsToRows = defineOp({
  name: 'steps_to_rows',
  outputs(application) {
    const [x] = application.inputs;
    if (!x || x.shape.length < 2) throw new OpError('steps_to_rows', application, 'a sequence of vectors or larger');
    return [x.shape.slice(1)];
  },
  rowsPerRow: ({ inputs: [x] }) => x!.shape[0]! * (x!.rowsPerRow ?? 1),
  forward: () => [],
  backward: () => [],
  flops: () => 0,
  alias: true,
  kernels: [],
});

/** Steps per row are given by `steps`: what is left are the rows per row there were before. */
export const rowsToSteps = defineOp({
  name: 'rows_to_steps',
  outputs: ({ inputs: [x], attributes: { steps } }) => [[steps, ...x!.shape]],
  rowsPerRow: ({ inputs: [x], attributes: { steps } }) => (x!.rowsPerRow ?? 1) / steps,
  forward: () => [],
  backward: () => [],
  flops: () => 0,
  alias: true,
  kernels: [],
});
