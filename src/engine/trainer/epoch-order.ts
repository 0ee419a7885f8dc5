import { permutation, STREAMS } from '../random.ts';
import type { TrainRequest } from './training.ts';

/** The training rows in the order of an epoch (from 0): a permutation drawn from the seed and the epoch. */
export function epochOrder({ training, split: { train } }: Pick<TrainRequest, 'training' | 'split'>, epoch: number): Int32Array {
  if (!training.shuffle) return train;
  const order = permutation(training.seed, STREAMS.shuffle, epoch, train.length);
  for (let i = 0; i < order.length; i += 1) order[i] = train[order[i]!]!;
  return order;
}
