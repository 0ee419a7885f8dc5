import type { Value } from '../graph/value.ts';
import { sameShape, sizeOf } from '../shape.ts';
import type { Call, KernelDefinition, Op } from './op.ts';
import { elementsOf, OpError } from './op.ts';
import type { OpName } from './op-attributes.ts';

type BinaryOpName = Extract<OpName, 'add' | 'subtract' | 'multiply' | 'maximum'>;

/** What distinguishes one function of two elements from another. */
interface Binary<K extends BinaryOpName> {
  readonly name: K;
  /** Gradients of a and b; the arrived one is dy. */
  readonly gradients: readonly [GradientRule, GradientRule];
  readonly kernels: readonly KernelDefinition[];
}

interface Operands {
  readonly a: Value;
  readonly b: Value;
  readonly dy: Value;
}

type GradientRule = (operands: Operands) => Pick<Call, 'kernel' | 'scalars'> & { readonly reads: readonly Value[] };

/** `y[i] = f(a[i], b[i])`, both of one shape. */
function binary<K extends BinaryOpName>({ name, gradients, kernels }: Binary<K>): Op<K> {
  return {
    name,
    outputs(application) {
      const [a, b] = application.inputs;
      if (!a || !b || !sameShape(a.shape, b.shape)) throw new OpError(name, application, 'two values of one shape');
      return [a.shape];
    },
    forward: ({ inputs: [a, b], outputs: [y], layer }) => [
      { kernel: name, buffers: [a!, b!, y!], dims: [elementsOf(a!)], scalars: [], writes: [2], inPlace: [0, 2], layer },
    ],
    backward: ({ node: { inputs, layer }, arrived: [dy], wanted }) =>
      gradients.flatMap((rule, i): Call[] => {
        const gradient = wanted[i];
        if (!gradient) return [];
        const { reads, kernel, scalars } = rule({ a: inputs[0]!, b: inputs[1]!, dy: dy! });
        return [{ kernel, scalars, buffers: [...reads, gradient], dims: [elementsOf(gradient)], writes: [reads.length], layer }];
      }),
    flops: ({ inputs: [a] }) => sizeOf(a!.shape),
    kernels,
  };
}

const scaled =
  (factor: number): GradientRule =>
  ({ dy }) => ({ kernel: 'affine', scalars: [factor, 0], reads: [dy] });

/** `y = a + b`; the kernel is that which sums gradients. */
export const add = binary({ name: 'add', gradients: [scaled(1), scaled(1)], kernels: [] });

export const subtract = binary({
  name: 'subtract',
  gradients: [scaled(1), scaled(-1)],
  kernels: [elementKernel('subtract', 'a - b', (a, b) => a - b)],
});

export const multiply = binary({
  name: 'multiply',
  gradients: [
    ({ b, dy }) => ({ kernel: 'multiply', scalars: [], reads: [dy, b] }),
    ({ a, dy }) => ({ kernel: 'multiply', scalars: [], reads: [dy, a] }),
  ],
  kernels: [elementKernel('multiply', 'a b', (a, b) => a * b)],
});

/** The gradient goes to the larger one, and to a where both are equal. */
export const maximum = binary({
  name: 'maximum',
  gradients: [
    ({ a, b, dy }) => ({ kernel: 'maximum_grad', scalars: [0], reads: [a, b, dy] }),
    ({ a, b, dy }) => ({ kernel: 'maximum_grad', scalars: [1], reads: [b, a, dy] }),
  ],
  kernels: [
    elementKernel('maximum', 'a >= b ? a : b', (a, b) => (a >= b || Number.isNaN(a) ? a : b)),
    {
      name: 'maximum_grad',
      buffers: ['a (n)', 'b (n)', 'dy (n)', 'out: da (n)'],
      dims: ['n'],
      scalars: ['strict'],
      formula: 'y = maximum(a, b)  =>  da[i] = a[i] > b[i] or (strict = 0 and a[i] = b[i]) ? dy[i] : 0',
      run([a, b, dy, da], [n], [strict]) {
        for (let i = 0; i < n!; i += 1) da![i] = a![i]! > b![i]! || (strict === 0 && a![i] === b![i]) ? dy![i]! : 0;
      },
    },
  ],
});

function elementKernel(name: string, formula: string, value: (a: number, b: number) => number): KernelDefinition {
  return {
    name,
    buffers: ['a (n)', 'b (n)', 'out: y (n), may be a'],
    dims: ['n'],
    scalars: [],
    formula: `y[i] = ${formula}`,
    run([a, b, y], [n]) {
      for (let i = 0; i < n!; i += 1) y![i] = value(a![i]!, b![i]!);
    },
  };
}
