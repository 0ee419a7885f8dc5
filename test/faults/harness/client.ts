export interface Reply {
  /** 0 when there was no reply. */
  readonly status: number;
  readonly headers: Headers;
  readonly milliseconds: number;
  // biome-ignore lint/suspicious/noExplicitAny: replies of every shape are looked into
  readonly body: any;
}

export interface Client {
  readonly url: string;
  get(path: string): Promise<Reply>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  put(path: string, body: unknown): Promise<Reply>;
  /** The id of a stored built-in dataset. */
  dataset(builtin: string): Promise<string>;
  /** Posts a job that must be accepted. */
  job(body: object): Promise<string>;
}

/** Calls on one API process; one that is down gives a reply of status 0. */
export function clientOf(url: string): Client {
  const send = async (path: string, init: RequestInit = {}): Promise<Reply> => {
    const sent = performance.now();
    try {
      const reply = await fetch(`${url}${path}`, init);
      const text = await reply.text();
      const isJson = reply.headers.get('content-type')?.includes('json') === true;
      const body: unknown = isJson ? JSON.parse(text) : text;
      return { status: reply.status, headers: reply.headers, milliseconds: performance.now() - sent, body };
    } catch {
      return { status: 0, headers: new Headers(), milliseconds: performance.now() - sent, body: null };
    }
  };
  const withBody = (method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
    body === undefined
      ? send(path, { method, headers })
      : send(path, { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  const created = async (path: string, body: object, status: number): Promise<string> => {
    const reply = await withBody('POST', path, body);
    if (reply.status !== status) throw new Error(`POST ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body.id;
  };
  return {
    url,
    get: (path) => send(path),
    post: (path, body, headers) => withBody('POST', path, body, headers),
    put: (path, body) => withBody('PUT', path, body),
    dataset: (builtin) => created('/v1/datasets', { name: builtin, builtin }, 201),
    job: (body) => created('/v1/jobs', body, 202),
  };
}
