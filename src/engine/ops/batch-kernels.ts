import type { KernelDefinition } from './op.ts';

/** Kernels of a step that belong to no op: reading the batch, summing gradients, stopping at a non-finite number. */
export const BATCH_KERNELS: readonly KernelDefinition[] = [
  {
    name: 'gather',
    buffers: ['out: rows of the feed (m, n), same element type as the feed'],
    dims: ['m', 'n'],
    scalars: ['feed'],
    formula: 'out[i,j] = feeds[feed][batchRows[i] * n + j]; m is the rows of the batch',
    run: gather,
  },
  {
    name: 'gather_as_real',
    buffers: ['out: rows of an int32 feed (m, n) as real numbers'],
    dims: ['m', 'n'],
    scalars: ['feed'],
    formula: 'out[i,j] = (real) feeds[feed][batchRows[i] * n + j]',
    run: gather,
  },
  {
    name: 'add',
    buffers: ['a (n)', 'b (n)', 'out: a + b (n), may be a'],
    dims: ['n'],
    scalars: [],
    formula: 'out[i] = a[i] + b[i]',
    run([a, b, out], [n]) {
      for (let i = 0; i < n!; i += 1) out![i] = a![i]! + b![i]!;
    },
  },
  {
    name: 'guard_finite',
    buffers: ['x (n)'],
    dims: ['n'],
    scalars: [],
    formula: 'if any x[i] is NaN or infinite: the run ends at this command, this step is not counted',
    run([x], [n], _scalars, step) {
      for (let i = 0; i < n!; i += 1) if (!Number.isFinite(x![i]!)) step.nonFinite = true;
    },
  },
];

function gather(...[[out], [m, n], [feed], step]: Parameters<KernelDefinition['run']>): void {
  const source = step.feeds[feed!]!;
  for (let i = 0; i < m!; i += 1) {
    const row = step.batchRows[i]! * n!;
    for (let j = 0; j < n!; j += 1) out![i * n! + j] = source[row + j]!;
  }
}
