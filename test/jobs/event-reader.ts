/** One event of a stream, its data parsed. */
export interface ReceivedEvent {
  readonly id?: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any;
}

/** Opens an event stream as a browser would. */
export async function openEvents(url: string, headers: Record<string, string> = {}) {
  const controller = new AbortController();
  const reply = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: controller.signal });
  if (reply.status !== 200 || reply.body === null) throw new Error(`no event stream: ${reply.status}`);
  const events = parse(reply.body);
  return {
    /** The next event of a type; others before it are passed over. */
    async next(type: string): Promise<ReceivedEvent> {
      for (;;) {
        const { value, done } = await events.next();
        if (done) throw new Error(`the stream ended before an event "${type}"`);
        if (value.event === type) return value;
      }
    },
    /** All events until the server ends the stream. */
    async rest(): Promise<ReceivedEvent[]> {
      const received: ReceivedEvent[] = [];
      for await (const event of events) received.push(event);
      return received;
    },
    close: async () => controller.abort(),
  };
}

async function* parse(body: ReadableStream<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  let text = '';
  for await (const piece of body.pipeThrough(new TextDecoderStream())) {
    text += piece;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => line.split(/: (.*)/s)),
      );
      text = text.slice(end + 2);
      if ('event' in fields) yield { ...fields, data: JSON.parse(fields.data) };
    }
  }
}
