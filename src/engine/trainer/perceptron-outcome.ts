import type { PerceptronState } from './engine-state.ts';

/**
 * What an epoch of Rosenblatt's rule shows. Without an error it has ended. In a fixed order the weights are a function of those
 * of the epoch before: once they come back, they come back for ever, and the classes cannot be separated. Weights are kept at
 * epochs 1, 2, 4, 8 … (Brent 1980), so that a cycle of any length is met.
 */
export function nextPerceptron(
  state: PerceptronState,
  { epoch, errors, weights, fixedOrder }: { epoch: number; errors: number; weights: () => Float32Array; fixedOrder: boolean },
): PerceptronState {
  if (errors === 0) return { outcome: 'separated', earlier: null };
  if (!fixedOrder) return state;
  const current = weights();
  const { earlier } = state;
  if (earlier && current.every((weight, i) => weight === earlier[i])) return { outcome: 'cycle', earlier };
  return Number.isInteger(Math.log2(epoch)) ? { outcome: 'learning', earlier: current } : state;
}
