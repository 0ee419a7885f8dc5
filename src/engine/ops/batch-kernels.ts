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
    name: 'scale_rows',
    buffers: ['in/out: x (m, n)', 'w (m)'],
    dims: ['m', 'n'],
    scalars: [],
    formula: 'x[i,j] *= w[i]',
    run([x, w], [m, n]) {
      for (let i = 0; i < m!; i += 1) for (let j = i * n!; j < (i + 1) * n!; j += 1) x![j] = x![j]! * w![i]!;
    },
  },
  {
    name: 'add_penalty',
    buffers: ['w (n)', 'in/out: float64 [sum, count]'],
    dims: ['n', 'm'],
    scalars: ['l1', 'l2'],
    formula: 'sum += m (l1 sum over i of |w[i]| + l2 sum over i of w[i]^2) (float64, 16 partial sums); count += m, the rows of the batch',
    run([w, accumulator], [n, m], [l1, l2]) {
      let penalty = 0;
      for (let i = 0; i < n!; i += 1) penalty += l1! * Math.abs(w![i]!) + l2! * w![i]! ** 2;
      accumulator![0] = accumulator![0]! + m! * penalty;
      accumulator![1] = accumulator![1]! + m!;
    },
  },
  {
    name: 'add_penalty_gradient',
    buffers: ['w (n)', 'in/out: g (n)'],
    dims: ['n'],
    scalars: ['l1', 'l2'],
    formula: 'g[i] += l1 sign(w[i]) + 2 l2 w[i]',
    run([w, g], [n], [l1, l2]) {
      for (let i = 0; i < n!; i += 1) g![i] = g![i]! + l1! * Math.sign(w![i]!) + 2 * l2! * w![i]!;
    },
  },
  {
    name: 'clip_value',
    buffers: ['in/out: g (n)'],
    dims: ['n'],
    scalars: ['limit'],
    formula: 'g[i] = clamp(g[i], -limit, limit)',
    run([g], [n], [limit]) {
      for (let i = 0; i < n!; i += 1) g![i] = Math.min(Math.max(g![i]!, -limit!), limit!);
    },
  },
  {
    name: 'clip_norm',
    buffers: ['in/out: g (n)'],
    dims: ['n'],
    scalars: ['limit'],
    formula: 'g[i] *= limit / max(norm(g), limit); the norm is float64, of 16 partial sums',
    run([g], [n], [limit]) {
      let squares = 0;
      for (let i = 0; i < n!; i += 1) squares += g![i]! ** 2;
      const norm = Math.sqrt(squares);
      if (norm > limit!) for (let i = 0; i < n!; i += 1) g![i] = g![i]! * (limit! / norm);
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
