// A process outside of both the product and the harness that asks the API and writes down, one line each and before it tells
// anybody, what was acknowledged: jobs that were accepted and epochs that were streamed. Faults do not reach it.

import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** What the harness asks of the witness. */
export type WitnessRequest = { readonly id: number } & (
  | { readonly type: 'submit'; readonly url: string; readonly key: string; readonly body: object; readonly giveUpMs: number }
  | { readonly type: 'follow'; readonly url: string; readonly job: string; readonly giveUpMs: number }
);

export interface WitnessReply {
  readonly id: number;
  /** The job, when it was accepted. */
  readonly job: string | null;
  /** Whether the stream told the end of the job. */
  readonly ended: boolean;
  /** One for each request, 0 for one without a reply. */
  readonly statuses: readonly number[];
  /** Of the last request. */
  readonly milliseconds: number;
}

/** A line of the file. */
export type Acknowledgement =
  | { readonly type: 'accepted'; readonly key: string; readonly job: string }
  | { readonly type: 'epoch'; readonly job: string; readonly event: number; readonly epoch: EpochSeen };

export interface EpochSeen {
  readonly epoch: number;
  readonly step: number;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly learning_rate: number;
}

const [file = ''] = process.argv.slice(2);
const RETRY_MS = 100;

function acknowledge(line: Acknowledgement): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

async function submit({ id, url, key, body, giveUpMs }: Extract<WitnessRequest, { type: 'submit' }>): Promise<WitnessReply> {
  const statuses: number[] = [];
  const deadline = performance.now() + giveUpMs;
  for (;;) {
    const sent = performance.now();
    const { status, job } = await post(url, key, body);
    statuses.push(status);
    const milliseconds = performance.now() - sent;
    if (job !== null) acknowledge({ type: 'accepted', key, job });
    const isFinal = job !== null || (status >= 400 && status < 500);
    if (isFinal || performance.now() > deadline) return { id, job, ended: false, statuses, milliseconds };
    await pause(RETRY_MS);
  }
}

async function post(url: string, key: string, body: object): Promise<{ status: number; job: string | null }> {
  try {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    const reply = await fetch(`${url}/v1/jobs`, { method: 'POST', headers, body: JSON.stringify(body) });
    const { id }: { id?: string } = Object(await reply.json());
    return { status: reply.status, job: reply.status === 202 ? (id ?? null) : null };
  } catch {
    return { status: 0, job: null };
  }
}

async function follow({ id, url, job, giveUpMs }: Extract<WitnessRequest, { type: 'follow' }>): Promise<WitnessReply> {
  const statuses: number[] = [];
  const deadline = performance.now() + giveUpMs;
  const seen = { event: 0, done: false };
  while (!seen.done && performance.now() < deadline) {
    try {
      const headers = { accept: 'text/event-stream', ...(seen.event > 0 && { 'last-event-id': String(seen.event) }) };
      const reply = await fetch(`${url}/v1/jobs/${job}/events`, {
        headers,
        signal: AbortSignal.timeout(Math.ceil(deadline - performance.now())),
      });
      statuses.push(reply.status);
      if (reply.status === 200 && reply.body !== null) await readEvents(reply.body, job, seen);
    } catch {
      statuses.push(0);
    }
    if (!seen.done) await pause(RETRY_MS);
  }
  return { id, job, ended: seen.done, statuses, milliseconds: 0 };
}

async function readEvents(body: ReadableStream<Uint8Array>, job: string, seen: { event: number; done: boolean }): Promise<void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = Number(/^id: ?(\d+)$/m.exec(block)?.[1] ?? 0);
      if (event === 0) continue;
      const type = /^event: ?(.*)$/m.exec(block)?.[1];
      if (type === 'epoch') acknowledge({ type, job, event, epoch: JSON.parse(/^data: ?(.*)$/m.exec(block)?.[1] ?? '') });
      seen.done ||= type === 'done';
      seen.event = event;
    }
  }
}

process.on('message', (request: WitnessRequest) => {
  const reply = request.type === 'submit' ? submit(request) : follow(request);
  void reply.then((message) => process.send?.(message));
});
process.on('disconnect', () => process.exit());
