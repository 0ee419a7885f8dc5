import type { Numbers } from '../backends/kernel.ts';
import { cellFunction } from './cell-activations.ts';
import type { KernelDefinition } from './op.ts';
import { fedBackward, fedForward, kernelGradient, save, skipped, start, walkBackward, walkForward, walkOf } from './recurrence.ts';
import { recurrentOp } from './recurrent-op.ts';

/** `h' = a(x W + b + h U)`, with the bias in x W. */
export const simpleRnn = recurrentOp({
  name: 'simple_rnn',
  source: 'https://doi.org/10.1207/s15516709cog1402_1',
  gates: 1,
  unitFlops: 2,
  hasBias: false,
  hasCell: false,
  hasOwnRecurrentGradient: false,
  saved: null,
  forward: { formula: "h' = a(x W + (h d) U), d: dropout", run: forward },
  backward: { formula: "dz = dh' a'; dU = (h d)^T dz, dh = d (dz U^T)", run: backward },
});

function forward(...[buffers, dims, scalars]: Parameters<KernelDefinition['run']>): void {
  const [projected, kernel, h0, dropout, mask, y, h, gates, before] = buffers as Numbers[];
  const walk = walkOf(dims, scalars, mask!);
  const { rows, units } = walk;
  const { value } = cellFunction(scalars[0]!);
  const fed = fedForward(walk, { kernel: kernel!, dropout: dropout! }, before!);
  start(h!, h0!, rows * units);
  walkForward(walk, { y: y!, h: h! }, (position) => {
    const { row, at } = position;
    save(units, h!, position, before!);
    if (skipped(walk, position, gates!)) return;
    for (let j = 0; j < units; j += 1) {
      const activated = value(projected![at * units + j]! + fed(position, j));
      gates![at * units + j] = activated;
      h![row * units + j] = activated;
    }
  });
}

function backward(...[buffers, dims, scalars]: Parameters<KernelDefinition['run']>): void {
  const [gates, kernel, before, dropout, mask, dy, dhFinal, dz, dKernel, dh] = buffers as Numbers[];
  const walk = walkOf(dims, scalars, mask!);
  const { rows, units } = walk;
  const { slope } = cellFunction(scalars[0]!);
  const fed = fedBackward(walk, kernel!, dz!);
  start(dh!, dhFinal!, rows * units);
  walkBackward(walk, { dy: dy!, dh: dh! }, (position) => {
    const { row, at } = position;
    if (skipped(walk, position, dz!)) return;
    for (let j = 0; j < units; j += 1) dz![at * units + j] = dh![row * units + j]! * slope(gates![at * units + j]!);
    for (let j = 0; j < units; j += 1) {
      dh![row * units + j] = (dropout?.[row * units + j] ?? 1) * fed(position, j, { from: 0, to: units });
    }
  });
  kernelGradient(walk, { before: before!, dropout: dropout!, dz: dz! }, dKernel!, { from: 0, to: units });
}
