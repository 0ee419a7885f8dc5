import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/engine/backends/backend.ts';
import { KERNELS } from '../../src/engine/backends/kernel-table.ts';
import { selectBackend } from '../../src/engine/backends/select.ts';
import { ACTIVATION_OPS } from '../../src/engine/ops/activations.ts';
import { FAST_BACKENDS } from '../engine/backends-here.ts';
import { type KernelCase, kernelCases, runOn, runReference } from './kernel-cases.ts';

const CASES = Map.groupBy(kernelCases(), ({ kernel }) => kernel.name);

const backends = FAST_BACKENDS.map(selectBackend);

describe('the kernels in C', () => {
  it.each(backends)('are all there on $name', ({ kernels }) => {
    expect([...kernels].sort()).toEqual([...KERNELS.keys()].sort());
  });

  it.each([...CASES.keys()])('%s agrees with the reference at every size and writes nowhere else', (kernel) => {
    for (const kernelCase of CASES.get(kernel)!) {
      const expected = runReference(kernelCase);
      for (const backend of backends) compare(backend, kernelCase, expected);
    }
  });

  it.each([...KERNELS.values()].filter(isActivation).map(({ name }) => name))(
    '%s is accurate from the smallest to the largest float',
    (name) => {
      const kernel = KERNELS.get(name)!;
      const x = everyMagnitude();
      const scalars = kernel.scalars.map(() => 0.3);
      const buffers = kernel.buffers.length === 2 ? [x, x.slice()] : [x, x.slice().fill(1), x.slice()];
      const step = {
        rows: 1,
        number: 0,
        seed: [0, 0] as const,
        learningRate: 0,
        batchRows: new Int32Array(1),
        feeds: [],
        nonFinite: false,
      };
      const kernelCase: KernelCase = { kernel, dims: [x.length], scalars, buffers, step };
      for (const backend of backends) compareMagnitudes(backend, kernelCase);
    },
  );

  it.each([...KERNELS.values()].filter(isActivation).map(({ name }) => name))('%s passes NaN on where the reference does', (name) => {
    const kernel = KERNELS.get(name)!;
    const buffers = kernel.buffers.map((_, i) => new Float32Array(17).fill(i === 0 ? Number.NaN : 1));
    const step = { rows: 1, number: 0, seed: [0, 0] as const, learningRate: 0, batchRows: new Int32Array(1), feeds: [], nonFinite: false };
    const kernelCase: KernelCase = { kernel, dims: [17], scalars: kernel.scalars.map(() => 0.3), buffers, step };
    for (const backend of backends) {
      expect(runOn(backend, kernelCase).buffers.at(-1), backend.name).toEqual(runReference(kernelCase).at(-1));
    }
  });
});

function compare(backend: Backend, kernelCase: KernelCase, expected: ReturnType<typeof runReference>): void {
  const { kernel, dims } = kernelCase;
  const actual = runOn(backend, kernelCase);
  const where = `${kernel.name} [${dims.join(', ')}] on ${backend.name}`;
  // A float sum of many terms may differ from the double sum of the reference in its last digits.
  const terms = dims.length > 1 ? Math.max(...dims, 1) : 1;
  expect(actual.intact, `${where} wrote outside its buffers`).toBe(true);
  expected.forEach((buffer, b) => {
    if (kernel.buffers[b]!.includes('scratch')) return;
    buffer?.forEach((value, i) => {
      const bound = 2e-6 * Math.abs(value) + 1e-6 * Math.sqrt(terms) * 4;
      if (Number.isNaN(value) && Number.isNaN(actual.buffers[b]![i]!)) return;
      if (!(Math.abs(actual.buffers[b]![i]! - value) <= bound)) {
        expect.fail(`${where}: buffer ${b}, element ${i} is ${actual.buffers[b]![i]}, the reference gives ${value}`);
      }
    });
  });
}

/** The last buffer, relative to what the reference gives. */
function compareMagnitudes(backend: Backend, kernelCase: KernelCase): void {
  const { name } = kernelCase.kernel;
  const [x] = kernelCase.buffers;
  const expected = runReference(kernelCase).at(-1)!;
  const actual = runOn(backend, kernelCase).buffers.at(-1)!;
  // Slopes pass through zero, where only the absolute error means something. The reference form of gelu_tanh cancels.
  const isRelative = !name.endsWith('_grad') && name !== 'gelu_tanh';
  expected.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    const bound = 1e-6 * Math.abs(value) + (isRelative ? 1e-43 : 2e-7);
    const what = `${name}(${x?.[i]}) = ${value}, ${backend.name} gives ${actual[i]}`;
    expect(Math.abs(actual[i]! - value), what).toBeLessThanOrEqual(bound);
  });
}

/** Elementwise kernels of one size: activations and their slopes. */
function isActivation({ name, dims }: { name: string; dims: readonly string[] }): boolean {
  return dims.join() === 'n' && Object.hasOwn(ACTIVATION_OPS, name.replace(/_grad$/, ''));
}

/** Both signs, zero, subnormals, and 40 values per power of two around 1. */
function everyMagnitude(): Float32Array {
  const positive: number[] = [0, 1.4e-45, 1e-40, 3.4e38];
  for (let exponent = -126; exponent <= 126; exponent += exponent > -24 && exponent < 8 ? 0.025 : 0.5) positive.push(2 ** exponent);
  return Float32Array.from([...positive, ...positive.map((value) => -value)]);
}
