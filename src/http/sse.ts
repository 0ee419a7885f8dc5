import { Readable } from 'node:stream';
import type { Reply, Request } from './app-type.ts';
import { requestSignal } from './request-signal.ts';

export interface StreamEvent {
  /** What the client sends back as `Last-Event-ID`; absent for events that are not replayed. */
  readonly id?: number;
  readonly event: string;
  readonly data: unknown;
}

/** Proxies cut connections that are silent for long; a comment keeps them open. */
const HEARTBEAT_MS = 15_000;

/**
 * Answers with Server-Sent Events until `source` ends, the client leaves or the server closes. The signal given to
 * `source` is raised in the last two cases, so that one that waits can give up. A slow client holds `source` back.
 */
export function streamEvents(request: Request, reply: Reply, source: (signal: AbortSignal) => AsyncIterable<StreamEvent>): Reply {
  const signal = requestSignal(request, reply);
  const onError = (error: unknown): void => request.log.error({ err: error }, 'event stream broke off');
  return reply
    .headers({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      // Its connection would otherwise stay open, idle, after the stream, and keep a closing server waiting.
      connection: 'close',
    })
    .send(Readable.from(frames(source(signal), signal, onError), { objectMode: false }));
}

async function* frames(events: AsyncIterable<StreamEvent>, signal: AbortSignal, onError: (error: unknown) => void): AsyncGenerator<string> {
  yield ': open\n\n'; // sends the headers at once
  const iterator = events[Symbol.asyncIterator]();
  try {
    let next = iterator.next();
    for (;;) {
      const outcome = await firstOf(next, signal);
      if (outcome === 'aborted') return;
      if (outcome === 'silence') {
        yield ': still here\n\n';
        continue;
      }
      if (outcome.done) return;
      yield frameOf(outcome.value);
      next = iterator.next();
    }
  } catch (error) {
    // The status line is gone; ending the stream makes the client come back with its Last-Event-ID.
    onError(error);
  } finally {
    // Not awaited: it would wait for what the source is waiting for.
    iterator.return?.().catch(onError);
  }
}

async function firstOf(next: Promise<IteratorResult<StreamEvent>>, signal: AbortSignal) {
  if (signal.aborted) return 'aborted' as const;
  const { promise: aborted, resolve: abort } = Promise.withResolvers<'aborted'>();
  const { promise: silence, resolve: heartbeat } = Promise.withResolvers<'silence'>();
  const onAbort = (): void => abort('aborted');
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(heartbeat, HEARTBEAT_MS, 'silence');
  try {
    return await Promise.race([next, aborted, silence]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function frameOf({ id, event, data }: StreamEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
