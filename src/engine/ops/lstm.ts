import type { Numbers } from '../backends/kernel.ts';
import { cellFunction } from './cell-activations.ts';
import type { KernelDefinition } from './op.ts';
import { fedBackward, fedForward, kernelGradient, save, skipped, start, walkBackward, walkForward, walkOf } from './recurrence.ts';
import { recurrentOp } from './recurrent-op.ts';

/** Blocks i, f, c, o: `c' = f c + i g`, `h' = o a(c')`, the bias in x W. With the forget gate of Gers, Schmidhuber and Cummins 2000. */
export const lstm = recurrentOp({
  name: 'lstm',
  source: 'https://doi.org/10.1162/neco.1997.9.8.1735',
  gates: 4,
  unitFlops: 13,
  hasBias: false,
  hasCell: true,
  hasOwnRecurrentGradient: false,
  saved: 'c before each step',
  forward: { formula: "[i f g o] = s, s, a, s of x W + (h d) U, d: dropout; c' = f c + i g, h' = o a(c')", run: forward },
  backward: {
    formula: "dc' += dh' o a'(c'); dz = [dc' g s', dc' c s', dc' i a', dh' a(c') s']; dU = (h d)^T dz, dh = d (dz U^T), dc = dc' f",
    run: backward,
  },
});

function forward(...[buffers, dims, scalars]: Parameters<KernelDefinition['run']>): void {
  const [projected, kernel, h0, c0, dropout, mask, y, h, c, gates, before, cells] = buffers as Numbers[];
  const walk = walkOf(dims, scalars, mask!);
  const { rows, units, width } = walk;
  const { value } = cellFunction(scalars[0]!);
  const { value: gate } = cellFunction(scalars[1]!);
  const fed = fedForward(walk, { kernel: kernel!, dropout: dropout! }, before!);
  start(h!, h0!, rows * units);
  start(c!, c0!, rows * units);
  walkForward(walk, { y: y!, h: h! }, (position) => {
    const { row, at } = position;
    save(units, h!, position, before!);
    save(units, c!, position, cells!);
    if (skipped(walk, position, gates!)) return;
    for (let k = 0; k < width; k += 1) {
      const sum = projected![at * width + k]! + fed(position, k);
      gates![at * width + k] = Math.floor(k / units) === 2 ? value(sum) : gate(sum);
    }
    for (let j = 0; j < units; j += 1) {
      const [i, f, g, o] = [0, 1, 2, 3].map((block) => gates![at * width + block * units + j]!);
      c![row * units + j] = f! * cells![at * units + j]! + i! * g!;
      h![row * units + j] = o! * value(c![row * units + j]!);
    }
  });
}

function backward(...[buffers, dims, scalars]: Parameters<KernelDefinition['run']>): void {
  const [gates, kernel, before, cells, dropout, mask, dy, dhFinal, dcFinal, dz, dKernel, dh, dc] = buffers as Numbers[];
  const walk = walkOf(dims, scalars, mask!);
  const { rows, units, width } = walk;
  const { value, slope } = cellFunction(scalars[0]!);
  const { slope: gateSlope } = cellFunction(scalars[1]!);
  const fed = fedBackward(walk, kernel!, dz!);
  start(dh!, dhFinal!, rows * units);
  start(dc!, dcFinal!, rows * units);
  walkBackward(walk, { dy: dy!, dh: dh! }, (position) => {
    const { row, at } = position;
    if (skipped(walk, position, dz!)) return;
    for (let j = 0; j < units; j += 1) {
      const places = [0, 1, 2, 3].map((block) => at * width + block * units + j);
      const [i, f, g, o] = places.map((place) => gates![place]!);
      const was = cells![at * units + j]!;
      const activated = value(f! * was + i! * g!);
      const dhNow = dh![row * units + j]!;
      const dcNow = dc![row * units + j]! + dhNow * o! * slope(activated);
      dz![places[0]!] = dcNow * g! * gateSlope(i!);
      dz![places[1]!] = dcNow * was * gateSlope(f!);
      dz![places[2]!] = dcNow * i! * slope(g!);
      dz![places[3]!] = dhNow * activated * gateSlope(o!);
      dc![row * units + j] = dcNow * f!;
    }
    for (let j = 0; j < units; j += 1) {
      dh![row * units + j] = (dropout?.[row * units + j] ?? 1) * fed(position, j, { from: 0, to: width });
    }
  });
  kernelGradient(walk, { before: before!, dropout: dropout!, dz: dz! }, dKernel!, { from: 0, to: width });
}
