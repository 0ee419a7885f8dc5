import { sizeOf } from '../shape.ts';
import type { Network } from '../spec/build-graph.ts';

/** An input of a network as the rows of a feed. */
export interface InputFeed {
  readonly name: string;
  /** Numbers per row. */
  readonly width: number;
  readonly type: 'real' | 'int32';
}

/** The inputs of a network in the order of their feeds, which begin at 0. */
export function inputFeeds({ inputs }: Pick<Network, 'inputs'>): InputFeed[] {
  return inputs.map(({ name, value: { shape, type } }) => ({ name, width: sizeOf(shape), type: type === 'int32' ? 'int32' : 'real' }));
}
