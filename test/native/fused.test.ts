import { describe, expect, it } from 'vitest';
import { KERNELS } from '../../src/engine/backends/kernel-table.ts';
import { CELL_ACTIVATIONS, cellActivationCode } from '../../src/engine/ops/cell-activations.ts';
import { encodeWords, hasAddon, loadAddon, type PlacedCommand, runProgram } from './native-addon.ts';
import { WINDOWS } from './windows.ts';

/** Those with an op of the same name that has no options. */
const NAMES = CELL_ACTIVATIONS.filter((name) => !['linear', 'leaky_relu', 'elu'].includes(name));

/** Sizes and scalars by the names that kernels document. */
type Sizes = Readonly<Record<string, number>>;

const CASES: readonly (readonly [kernel: string, sizes: Sizes])[] = [
  ['dense', { m: 29, k: 300, n: 37 }],
  ['normalize', { m: 300, c: 16, epsilon: 1e-3 }],
  ['normalize', { m: 70, c: 83, epsilon: 1e-3 }],
  ...WINDOWS.map((sizes) => ['convolution', sizes] as const),
];

describe.skipIf(!hasAddon())('a kernel with the activation of what it writes', () => {
  it.each(CASES)('%s has the bits of the two kernels one after the other: %o', (name, sizes) => {
    for (const activation of NAMES) expectSameBits(name, sizes, activation);
  });

  it('is compared over values of both signs', () => {
    const [plain] = resultsOf('convolution', WINDOWS[5]!, 'tanh');
    expect(new Set(plain).size).toBeGreaterThan(100);
    expect(Math.min(...plain)).toBeLessThan(0);
    expect(Math.max(...plain)).toBeGreaterThan(0);
  });
});

function expectSameBits(name: string, sizes: Sizes, activation: (typeof NAMES)[number]): void {
  const [apart, together] = resultsOf(name, sizes, activation).map((values) => new Uint32Array(values.buffer));
  expect(together, activation).toEqual(apart);
}

/** What two kernels write, and what the one for both does. */
function resultsOf(name: string, sizes: Sizes, activation: (typeof NAMES)[number]): [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>] {
  const addon = loadAddon();
  const kernel = KERNELS.get(name)!;
  let end = 0;
  const place = (length: number) => {
    const offset = end;
    end += Math.ceil(length / 16) * 64;
    return offset;
  };
  const lengths = kernel.buffers.map((label) => lengthOf(label, sizes));
  const offsets = lengths.map(place);
  const y = kernel.buffers.findIndex((label) => label.startsWith('out: y'));
  const together = place(lengths[y]!);
  const dims = kernel.dims.map((size) => [sizes[size]!, false] as const);
  const scalars = kernel.scalars.map((scalar) => sizes[scalar]!);
  const commands: PlacedCommand[] = [
    { kernel: name, offsets, dims, scalars },
    { kernel: activation, offsets: [offsets[y]!, offsets[y]!], dims: [[lengths[y]!, false]] },
    { kernel: `${name}_activated`, offsets: offsets.with(y, together), dims, scalars: [...scalars, cellActivationCode(activation)] },
  ];
  const arena = new ArrayBuffer(end);
  kernel.buffers.forEach((label, i) => {
    const values = new Float32Array(arena, offsets[i]!, lengths[i]!);
    for (const j of values.keys()) values[j] = label.startsWith('variance') ? 1 + Math.cos(j) / 2 : Math.sin(j * 7.7 + i) / 3;
  });
  runProgram(addon, addon.load(encodeWords(addon, commands), arena), arena, { order: Int32Array.of(0), batchSize: 1 });
  const written = (offset: number) => new Float32Array(arena.slice(offset, offset + lengths[y]! * 4));
  return [written(offsets[y]!), written(together)];
}

/** The sizes in the parentheses of its documentation. */
function lengthOf(label: string, sizes: Sizes): number {
  const [, names = ''] = /\((.*?)\)/.exec(label)!;
  return names.split(', ').reduce((product, size) => product * sizes[size]!, 1);
}
