import { once } from 'node:events';
import { connect } from 'node:net';
import type { CallResult } from '../support/app.ts';

/** One row of the corpus: what is sent, and the answer it must get. `{iris}`, `{job}`, … stand for ids of the running server. */
export interface BadRequest {
  readonly id: string;
  readonly what: string;
  readonly request: RequestData;
  readonly expect: {
    readonly status: number;
    /** Code of the problem; null where the answer is none (an accepted oddity). */
    readonly code: string | null;
    /** One of the faults: its pointer, and its own code. */
    readonly pointer?: string;
    readonly fault?: string;
    /** One of the faults in a file: its line. */
    readonly line?: number;
  };
}

export interface RequestData {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A body as JSON, as exact text or bytes, or as a form with a file. */
  readonly json?: unknown;
  readonly text?: string | Uint8Array;
  readonly form?: Form;
  /** All bytes of the request, for what no client library would send. */
  readonly raw?: string;
}

export interface Form {
  readonly file?: string | Uint8Array;
  readonly fileName?: string;
  readonly fields?: Readonly<Record<string, string>>;
}

export interface Target {
  readonly url: string;
  readonly names: Readonly<Record<string, string>>;
}

/** Sends a row and reads the answer. */
export async function send({ request }: BadRequest, { url, names }: Target): Promise<CallResult> {
  const filled = (text: string) => text.replace(/\{([a-z_]+)\}/g, (match, name: string) => names[name] ?? match);
  if (request.raw !== undefined) return parseReply(await exchange(url, filled(request.raw)));
  const { body, headers } = bodyOf(request, filled);
  const given = Object.fromEntries(Object.entries(request.headers ?? {}).map(([name, value]) => [name, filled(value)]));
  const reply = await fetch(url + filled(request.path ?? ''), {
    method: request.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { authorization: `Bearer ${names['key']}`, ...headers, ...given },
    ...(body !== undefined && { body }),
  });
  return { status: reply.status, headers: reply.headers, body: readBody(reply.headers.get('content-type'), await reply.text()) };
}

type Body = string | FormData | Uint8Array<ArrayBuffer>;

function bodyOf({ json, text, form }: RequestData, filled: (text: string) => string): { body?: Body; headers?: Record<string, string> } {
  if (form !== undefined) return { body: formData(form) };
  const content = json === undefined ? text : JSON.stringify(json);
  if (content === undefined) return {};
  // As bytes, so that no Content-Type is made up where the row gives none.
  const body = typeof content === 'string' ? new TextEncoder().encode(filled(content)) : Uint8Array.from(content);
  return { body, headers: json === undefined ? {} : { 'content-type': 'application/json' } };
}

function formData({ file, fileName = 'data.csv', fields = {} }: Form): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (file !== undefined) form.append('file', new Blob([typeof file === 'string' ? file : Uint8Array.from(file)]), fileName);
  return form;
}

/** Sends bytes on a connection of their own, ends it if told to, and reads until the server closes it. */
export async function exchange(url: string, bytes: string, { end = false } = {}): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (text) => {
    received += text;
  });
  // A server that refuses early may reset the connection while it is still being sent to.
  socket.on('error', () => undefined);
  socket.write(bytes, 'latin1');
  if (end) socket.end();
  await once(socket, 'close');
  return received;
}

function parseReply(bytes: string): CallResult {
  const received = bytes.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  const end = received.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = received.slice(0, end).split('\r\n');
  const headers = new Headers(lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: readBody(headers.get('content-type'), received.slice(end + 4)),
  };
}

function readBody(type: string | null, text: string): CallResult['body'] {
  return type?.includes('json') ? JSON.parse(text) : text;
}
