import type { ConsumerOptions, MessageConsumer, MessageProducer, QueueStore } from './queue-store.ts';
import { watchForSilence } from './silence.ts';

const QUEUE_NAME = 'train';

/** Tells the workers that a job waits: the job and the number of the attempt it waits for. */
export interface Doorbell {
  readonly jobId: string;
  readonly attempt: number;
}

export interface TrainQueue {
  /** Puts a message per doorbell into the queue. Ringing the same one twice is harmless. */
  ring(doorbells: readonly Doorbell[]): Promise<void>;
  /** Messages no worker has taken yet. Also the health check of the store: rejects when it does not answer. */
  countWaiting(): Promise<number>;
  close(): Promise<void>;
}

export function createTrainQueue(store: QueueStore, onError: (error: Error) => void): TrainQueue {
  const producer: MessageProducer = store.createProducer(QUEUE_NAME, onError);
  return {
    ring: (doorbells) => producer.add(doorbells.map(({ jobId, attempt }) => ({ id: `${jobId}-${attempt}`, jobId }))),
    countWaiting: () => producer.countWaiting(),
    close: () => producer.close(),
  };
}

export interface TrainConsumerOptions extends ConsumerOptions {
  /** By which a consumer that stopped without an error is noticed. */
  readonly queue: Pick<TrainQueue, 'countWaiting'>;
  /** After so many milliseconds without a message although some wait, it counts as stopped. */
  readonly silenceMs: number;
}

/** Starts taking jobs: `handle` is called with a job id, at most `concurrency` at a time, and ends when the job is done with. */
export async function consumeTrainQueue(store: QueueStore, options: TrainConsumerOptions): Promise<MessageConsumer> {
  const { queue, silenceMs, concurrency, handle, onStopped, onError } = options;
  const watch = watchForSilence({ countWaiting: queue.countWaiting, concurrency, silenceMs, onSilence: onStopped, onError });
  const consumer = await store.createConsumer(QUEUE_NAME, { ...options, handle: (jobId) => watch.taking(handle(jobId)) });
  return {
    pause: async () => {
      await Promise.all([consumer.pause(), watch.close()]);
    },
    close: async (how) => {
      await Promise.all([consumer.close(how), watch.close()]);
    },
  };
}
