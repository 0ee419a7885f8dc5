import type { QueueName, World } from './world.ts';

/** A promise of the product and the faults it is held to. */
export interface Invariant {
  readonly id: string;
  /** The promise, in the words of the docs. */
  readonly promise: string;
  /** Queues it is tried on; most are the same on both. */
  readonly queues: readonly QueueName[];
  /** Injects faults and checks that the promise holds. */
  try(world: World): Promise<void>;
}
