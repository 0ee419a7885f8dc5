/** The part of a problem body a person reads. */
interface Problem {
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer?: string; readonly detail: string }[];
}

/** A problem the server answered with. */
class ApiProblem extends Error {
  constructor(status: number, problem: Problem) {
    const faults = (problem.errors ?? []).map((fault) => `\n  ${fault.pointer ?? ''} ${fault.detail}`);
    super(`${status}: ${problem.detail ?? ''}${faults.join('')}`);
    this.name = 'ApiProblem';
  }
}

export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
}

export type ApiClient = ReturnType<typeof createApiClient>;

/** The few calls of the HTTP contract the demo makes. `key` is the bearer key of servers that ask for one. */
export function createApiClient({ url, key }: { url: string; key: string | null }) {
  const authorization: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };

  async function call(method: string, path: string, body?: unknown): Promise<Response> {
    const isForm = body instanceof FormData;
    const response = await fetch(new URL(path, url), {
      method,
      headers: { ...authorization, ...(body !== undefined && !isForm && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    });
    if (!response.ok) throw new ApiProblem(response.status, (await response.json()) as Problem);
    return response;
  }

  return {
    /** The JSON reply; the caller names its shape. */
    async json<Shape>(method: string, path: string, body?: unknown): Promise<Shape> {
      return (await (await call(method, path, body)).json()) as Shape;
    },

    async bytes(path: string): Promise<Uint8Array> {
      return (await call('GET', path)).bytes();
    },

    /** Server-Sent Events until the server closes the stream. */
    async *events(path: string): AsyncGenerator<ServerEvent> {
      const response = await fetch(new URL(path, url), { headers: { ...authorization, accept: 'text/event-stream' } });
      if (!response.ok || response.body === null) throw new ApiProblem(response.status, (await response.json()) as Problem);
      let pending = '';
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
        const blocks = (pending + text).split('\n\n');
        pending = blocks.pop() ?? '';
        yield* blocks.flatMap(parseEvent);
      }
    },
  };
}

/** One block of an event stream; heartbeats are comments and give nothing. */
function parseEvent(block: string): ServerEvent[] {
  const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
  const data = fields.get('data');
  return data === undefined ? [] : [{ event: fields.get('event') ?? 'message', data: JSON.parse(data) }];
}
