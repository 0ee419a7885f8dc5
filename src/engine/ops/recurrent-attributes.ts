import type { CellActivation } from './cell-activations.ts';

/** How a recurrent op runs and which of its optional inputs are there. */
export interface RecurrentAttributes {
  /** All outputs, or the last only. */
  readonly sequences: boolean;
  /** Reads the steps from last to first. */
  readonly backwards: boolean;
  /** Puts the outputs where their steps stand in time instead of in the order they were computed. */
  readonly inTimeOrder: boolean;
  readonly activation: CellActivation;
  /** Of the gates; a simple cell has none. */
  readonly recurrentActivation: CellActivation;
  readonly has: { readonly bias: boolean; readonly initialState: boolean; readonly dropout: boolean; readonly mask: boolean };
}
