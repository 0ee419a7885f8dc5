// Klambauer et al. 2017, eq. 14.
const SELU_SCALE = 1.0507009873554805;
const SELU_SCALE_ALPHA = SELU_SCALE * 1.6732632423543772;
const LEAKY_SLOPE = 0.3;

interface CellFunction {
  readonly value: (x: number) => number;
  /** From the value, which is all a recurrent cell keeps for the way back. */
  readonly slope: (y: number) => number;
}

/**
 * Functions inside recurrent cells, with the defaults of the activations of the same name: those whose slope follows from their
 * value. Kernels are told the position in this list.
 */
const CELL_FUNCTIONS = {
  linear: { value: (x) => x, slope: () => 1 },
  tanh: { value: Math.tanh, slope: (y) => 1 - y * y },
  sigmoid: { value: (x) => 1 / (1 + Math.exp(-x)), slope: (y) => y * (1 - y) },
  hard_sigmoid: { value: (x) => Math.min(Math.max(x + 3, 0), 6) / 6, slope: (y) => (y > 0 && y < 1 ? 1 / 6 : 0) },
  relu: { value: (x) => Math.max(x, 0), slope: (y) => (y > 0 ? 1 : 0) },
  leaky_relu: { value: (x) => (x < 0 ? LEAKY_SLOPE * x : x), slope: (y) => (y > 0 ? 1 : LEAKY_SLOPE) },
  elu: { value: (x) => (x > 0 ? x : Math.expm1(x)), slope: (y) => (y > 0 ? 1 : y + 1) },
  selu: {
    value: (x) => (x > 0 ? SELU_SCALE * x : SELU_SCALE_ALPHA * Math.expm1(x)),
    slope: (y) => (y > 0 ? SELU_SCALE : y + SELU_SCALE_ALPHA),
  },
  softplus: { value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), slope: (y) => -Math.expm1(-y) },
  softsign: { value: (x) => x / (1 + Math.abs(x)), slope: (y) => (1 - Math.abs(y)) ** 2 },
  exponential: { value: Math.exp, slope: (y) => y },
} as const satisfies Record<string, CellFunction>;

export type CellActivation = keyof typeof CELL_FUNCTIONS;

export const CELL_ACTIVATIONS = Object.keys(CELL_FUNCTIONS) as CellActivation[];

/** How kernels are told an activation: its position in the list. */
export function cellActivationCode(name: CellActivation): number {
  return CELL_ACTIVATIONS.indexOf(name);
}

/** The function a kernel was told. */
export function cellFunction(code: number): CellFunction {
  return CELL_FUNCTIONS[CELL_ACTIVATIONS[code]!];
}
