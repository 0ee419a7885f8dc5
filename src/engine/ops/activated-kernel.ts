import { cellFunction } from './cell-activations.ts';
import type { KernelDefinition } from './op.ts';

/** The form of a kernel that computes an activation of what it writes in the same pass: what `plan/fuse-calls.ts` makes of two calls. */
export function activatedKernel(plain: KernelDefinition): KernelDefinition {
  const [formula, ...notes] = plain.formula.split('; ');
  const [y, value] = formula!.split(' = ');
  const written = plain.buffers.findIndex((label) => label.startsWith('out: y'));
  return {
    ...plain,
    name: `${plain.name}_activated`,
    scalars: [...plain.scalars, 'activation: its position in cell-activations.ts'],
    formula: [`${y} = f(${value})`, ...notes].join('; '),
    run(buffers, dims, scalars, step) {
      plain.run(buffers, dims, scalars.slice(0, -1), step);
      const values = buffers[written]!;
      const { value: f } = cellFunction(scalars.at(-1)!);
      // Those beyond the rows of the batch are nobody's.
      for (let i = 0; i < values.length; i += 1) values[i] = f(values[i]!);
    },
  };
}
