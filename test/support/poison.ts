// Loaded into a worker's process and threads by `--import`: a training of this seed kills its process after its first epochs,
// as a fault in native code would.

import { isMainThread, MessagePort } from 'node:worker_threads';

/** Epochs of the poison job are told from those of others by their learning rate. */
export const POISON_RATE = 0.012345;

if (!isMainThread) {
  const post = MessagePort.prototype.postMessage;
  MessagePort.prototype.postMessage = function poisoned(this: MessagePort, message: unknown, ...rest: []): void {
    const { epochs }: { epochs?: readonly { learning_rate: number }[] } = Object(message);
    if (epochs?.some(({ learning_rate }) => learning_rate === POISON_RATE)) process.kill(process.pid, 'SIGKILL');
    post.call(this, message, ...rest);
  };
}
