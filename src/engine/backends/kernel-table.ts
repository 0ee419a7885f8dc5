import { METRICS } from '../metrics/index.ts';
import { loss } from '../metrics/loss.ts';
import { BATCH_KERNELS } from '../ops/batch-kernels.ts';
import { OPS } from '../ops/index.ts';
import type { KernelDefinition } from '../ops/op.ts';
import { OPTIMIZERS } from '../optimizers/index.ts';

/** Every kernel there is, from the records they stand in. */
export const KERNELS: ReadonlyMap<string, KernelDefinition> = new Map(
  [
    ...BATCH_KERNELS,
    ...Object.values(OPS).flatMap((op) => op.kernels),
    ...[loss, ...Object.values(METRICS)].flatMap((metric) => metric.kernels),
    ...Object.values(OPTIMIZERS).flatMap((optimizer) => optimizer.kernels),
  ].map((kernel) => [kernel.name, kernel]),
);

/** The text of `../ops/KERNELS.md`. */
export function kernelReference(): string {
  const sections = [...KERNELS.values()].map(
    (kernel) =>
      `## ${kernel.name}\n\n- buffers: ${list(kernel.buffers)}\n- dims: ${list(kernel.dims)}\n- scalars: ${list(kernel.scalars)}\n- \`${kernel.formula}\`\n`,
  );
  return [INTRODUCTION, ...sections].join('\n');
}

const INTRODUCTION = `# Kernels

Printed from the kernel records by \`kernelReference()\` in \`../backends/kernel-table.ts\`; a test compares it. A backend implements these
names with these orders of buffers, dims and scalars (\`../backends/README.md\` describes the calls).

- Buffers are float32 unless they say int32 or float64 (real ones are float64 in double-precision sessions of the reference backend).
  They are row-major. \`out:\` is written, \`in/out:\` is read and written, all others are only read.
- "May be x" means that the plan may give both the very same memory, never a part of it. Otherwise buffers do not overlap.
- Dims arrive multiplied by the rows of the batch where the plan said so.
- Arithmetic is float32 with float64 sums where the text says so; \`exp\`, \`log\`, \`erfc\` must stay accurate over the whole range of
  float32 inputs with finite results. NaN must come out as NaN wherever the formula gives NaN.
- \`rate\` is the learning rate of the step, "step number" counts updates over the whole job from 0.
- \`control[steps]\` is raised after each finished step of a program with learning rates only (evaluation does not count).
- A step ended by \`guard_finite\` is not counted in the returned steps; nothing after that command runs.
`;

function list(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.map((item, i) => `${i} ${item}`).join(' · ');
}
