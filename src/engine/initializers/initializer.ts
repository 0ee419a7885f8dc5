import type { Shape } from '../shape.ts';

/** How the first values of a weight are drawn. */
export interface InitializerDefinition {
  readonly summary: string;
  /** Link to the paper. */
  readonly source?: string;
  /** Fills a weight of this shape; `nextWord` draws the words of the weight's own stream. */
  fill(values: Float32Array, shape: Shape, nextWord: () => number): void;
}

/** Inputs and outputs of one unit (Glorot and Bengio 2010): leading axes are the positions of a convolution's kernel. */
export function fansOf(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) {
    const size = shape[0] ?? 1;
    return { fanIn: size, fanOut: size };
  }
  const positions = shape.slice(0, -2).reduce((product, axis) => product * axis, 1);
  return { fanIn: positions * shape[shape.length - 2]!, fanOut: positions * shape[shape.length - 1]! };
}
