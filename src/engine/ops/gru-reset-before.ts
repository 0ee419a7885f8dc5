import type { Numbers } from '../backends/kernel.ts';
import { cellFunction } from './cell-activations.ts';
import type { KernelDefinition } from './op.ts';
import { fedBackward, fedForward, kernelGradient, save, skipped, start, walkBackward, walkForward, walkOf } from './recurrence.ts';
import { recurrentOp } from './recurrent-op.ts';

/** Blocks z, r, h with the reset gate before the product: `hh = a(x W + (r h) U)`, `h' = z h + (1 - z) hh`, the bias in x W. */
export const gruResetBefore = recurrentOp({
  name: 'gru_reset_before',
  source: 'https://arxiv.org/abs/1406.1078',
  gates: 3,
  unitFlops: 12,
  hasBias: false,
  hasCell: false,
  hasOwnRecurrentGradient: false,
  saved: 'r h d',
  forward: { formula: "z, r = s(x W + (h d) U), d: dropout; hh = a(x W + (r h d) U); h' = z h + (1 - z) hh", run: forward },
  backward: {
    formula:
      "dhh = dh' (1 - z) a', e = dhh U_h^T; dz = dh' (h - hh) s', dr = e h d s'; dU = [(h d)^T dz, (h d)^T dr, (r h d)^T dhh]; dh = dh' z + d (r e + [dz dr] U^T)",
    run: backward,
  },
});

function forward(...[buffers, dims, scalars]: Parameters<KernelDefinition['run']>): void {
  const [projected, kernel, h0, dropout, mask, y, h, gates, before, reset] = buffers as Numbers[];
  const walk = walkOf(dims, scalars, mask!);
  const { rows, units, width } = walk;
  const { value } = cellFunction(scalars[0]!);
  const { value: gate } = cellFunction(scalars[1]!);
  const fed = fedForward(walk, { kernel: kernel!, dropout: dropout! }, before!);
  const fedReset = fedForward(walk, { kernel: kernel!, dropout: null }, reset!);
  start(h!, h0!, rows * units);
  walkForward(walk, { y: y!, h: h! }, (position) => {
    const { row, at } = position;
    save(units, h!, position, before!);
    for (let j = 0; j < units; j += 1) reset![at * units + j] = 0;
    if (skipped(walk, position, gates!)) return;
    for (let k = 0; k < 2 * units; k += 1) gates![at * width + k] = gate(projected![at * width + k]! + fed(position, k));
    for (let j = 0; j < units; j += 1) {
      const factor = dropout?.[row * units + j] ?? 1;
      reset![at * units + j] = gates![at * width + units + j]! * before![at * units + j]! * factor;
    }
    for (let k = 2 * units; k < width; k += 1) gates![at * width + k] = value(projected![at * width + k]! + fedReset(position, k));
    for (let j = 0; j < units; j += 1) {
      const z = gates![at * width + j]!;
      h![row * units + j] = z * before![at * units + j]! + (1 - z) * gates![at * width + 2 * units + j]!;
    }
  });
}

function backward(...[buffers, dims, scalars]: Parameters<KernelDefinition['run']>): void {
  const [gates, kernel, before, reset, dropout, mask, dy, dhFinal, dx, dKernel, dh] = buffers as Numbers[];
  const walk = walkOf(dims, scalars, mask!);
  const { rows, units, width } = walk;
  const { slope } = cellFunction(scalars[0]!);
  const { slope: gateSlope } = cellFunction(scalars[1]!);
  const fed = fedBackward(walk, kernel!, dx!);
  const gateColumns = { from: 0, to: 2 * units };
  const candidateColumns = { from: 2 * units, to: width };
  start(dh!, dhFinal!, rows * units);
  walkBackward(walk, { dy: dy!, dh: dh! }, (position) => {
    const { row, at } = position;
    // The gates may lie in the same memory, so each is read for the last time before its place is written: hh, z, then r.
    if (skipped(walk, position, dx!)) return;
    for (let j = 0; j < units; j += 1) {
      const [z, hh] = [gates![at * width + j]!, gates![at * width + 2 * units + j]!];
      const dhNow = dh![row * units + j]!;
      dx![at * width + 2 * units + j] = dhNow * (1 - z) * slope(hh);
      dx![at * width + j] = dhNow * (before![at * units + j]! - hh) * gateSlope(z);
      dh![row * units + j] = dhNow * z;
    }
    for (let j = 0; j < units; j += 1) {
      const factor = dropout?.[row * units + j] ?? 1;
      const r = gates![at * width + units + j]!;
      const dReset = fed(position, j, candidateColumns);
      dx![at * width + units + j] = dReset * before![at * units + j]! * factor * gateSlope(r);
      dh![row * units + j]! += factor * r * dReset;
    }
    for (let j = 0; j < units; j += 1) dh![row * units + j]! += (dropout?.[row * units + j] ?? 1) * fed(position, j, gateColumns);
  });
  kernelGradient(walk, { before: before!, dropout: dropout!, dz: dx! }, dKernel!, gateColumns);
  kernelGradient(walk, { before: reset!, dropout: null, dz: dx! }, dKernel!, candidateColumns);
}
