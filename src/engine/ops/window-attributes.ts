/** Sizes along the height and the width of a plane. */
export type Pair = readonly [number, number];

/** How a window moves, as attributes of an op. */
export interface WindowAttributes {
  /** Cells of the window, without the gaps of a dilation. */
  readonly window: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
  /** Zeros before the first row and the first column. What comes after follows from the sizes. */
  readonly before: Pair;
  /** Positions of the window. */
  readonly output: Pair;
}
