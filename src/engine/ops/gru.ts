import type { Numbers } from '../backends/kernel.ts';
import { cellFunction } from './cell-activations.ts';
import type { KernelDefinition } from './op.ts';
import {
  columnSums,
  fedBackward,
  fedForward,
  kernelGradient,
  save,
  skipped,
  start,
  walkBackward,
  walkForward,
  walkOf,
} from './recurrence.ts';
import { recurrentOp } from './recurrent-op.ts';

/**
 * Blocks z, r, h with the reset gate after the product: `hh = a(x W + b_i + r (h U + b_r))`, `h' = z h + (1 - z) hh`. Both rows
 * of the bias are added here, x W has none. Of the state only what is fed back is dropped, never what z carries on.
 */
export const gru = recurrentOp({
  name: 'gru',
  source: 'https://arxiv.org/abs/1406.1078',
  gates: 3,
  unitFlops: 14,
  hasBias: true,
  hasCell: false,
  hasOwnRecurrentGradient: true,
  saved: 'h U + b_r of the candidate',
  forward: {
    formula: "q = (h d) U + b_r, d: dropout; z, r = s(x W + b_i + q), hh = a(x W + b_i + r q_h); h' = z h + (1 - z) hh",
    run: forward,
  },
  backward: {
    formula:
      "dhh = dh' (1 - z) a'; dz = dh' (h - hh) s', dr = dhh q_h s'; d(x W) = [dz dr dhh], dq = [dz dr dhh r]; dU = (h d)^T dq, dbias = sums of d(x W), dq; dh = dh' z + d (dq U^T)",
    run: backward,
  },
});

function forward(...[buffers, dims, scalars]: Parameters<KernelDefinition['run']>): void {
  const [projected, kernel, bias, h0, dropout, mask, y, h, gates, before, inner] = buffers as Numbers[];
  const walk = walkOf(dims, scalars, mask!);
  const { rows, units, width } = walk;
  const { value } = cellFunction(scalars[0]!);
  const { value: gate } = cellFunction(scalars[1]!);
  const fed = fedForward(walk, { kernel: kernel!, dropout: dropout! }, before!);
  start(h!, h0!, rows * units);
  walkForward(walk, { y: y!, h: h! }, (position) => {
    const { row, at } = position;
    save(units, h!, position, before!);
    for (let j = 0; j < units; j += 1) inner![at * units + j] = 0;
    if (skipped(walk, position, gates!)) return;
    for (let k = 0; k < width; k += 1) {
      const own = projected![at * width + k]! + (bias?.[k] ?? 0);
      const recurrent = fed(position, k) + (bias?.[width + k] ?? 0);
      if (k < 2 * units) gates![at * width + k] = gate(own + recurrent);
      else {
        inner![at * units + k - 2 * units] = recurrent;
        gates![at * width + k] = value(own + gates![at * width + k - units]! * recurrent);
      }
    }
    for (let j = 0; j < units; j += 1) {
      const z = gates![at * width + j]!;
      h![row * units + j] = z * before![at * units + j]! + (1 - z) * gates![at * width + 2 * units + j]!;
    }
  });
}

function backward(...[buffers, dims, scalars]: Parameters<KernelDefinition['run']>): void {
  const [gates, kernel, before, inner, dropout, mask, dy, dhFinal, dx, dKernel, dBias, dh, , , dq] = buffers as Numbers[];
  const walk = walkOf(dims, scalars, mask!);
  const { rows, units, width } = walk;
  const { slope } = cellFunction(scalars[0]!);
  const { slope: gateSlope } = cellFunction(scalars[1]!);
  const fed = fedBackward(walk, kernel!, dq!);
  start(dh!, dhFinal!, rows * units);
  walkBackward(walk, { dy: dy!, dh: dh! }, (position) => {
    const { row, at } = position;
    skipped(walk, position, dq!);
    if (skipped(walk, position, dx!)) return;
    for (let j = 0; j < units; j += 1) {
      const places = [0, 1, 2].map((block) => at * width + block * units + j);
      const [z, r, hh] = places.map((place) => gates![place]!);
      const dhNow = dh![row * units + j]!;
      const dz = dhNow * (before![at * units + j]! - hh!) * gateSlope(z!);
      const dhh = dhNow * (1 - z!) * slope(hh!);
      const dr = dhh * inner![at * units + j]! * gateSlope(r!);
      [dz, dr, dhh].forEach((gradient, block) => {
        dx![places[block]!] = gradient;
        dq![places[block]!] = block === 2 ? gradient * r! : gradient;
      });
      dh![row * units + j] = dhNow * z!;
    }
    for (let j = 0; j < units; j += 1) {
      dh![row * units + j]! += (dropout?.[row * units + j] ?? 1) * fed(position, j, { from: 0, to: width });
    }
  });
  kernelGradient(walk, { before: before!, dropout: dropout!, dz: dq! }, dKernel!, { from: 0, to: width });
  if (dBias) {
    columnSums(walk, dx!, dBias, 0);
    columnSums(walk, dq!, dBias, width);
  }
}
