import { createHash } from 'node:crypto';
import Type from 'typebox';
import type { Tx } from '../db/database.ts';
import { AppError } from '../errors.ts';
import type { Reply, Request } from './app-type.ts';
import type { IdempotencyStore, IdempotentUse, StoredReply } from './idempotency-store.ts';

/** Keeps the reply in the caller's transaction. Does nothing when the request carries no Idempotency-Key. */
export type Remember = (tx: Tx, reply: StoredReply) => Promise<void>;

const KEY_PATTERN = /^[\x20-\x7e]{1,255}$/;

/** Headers of creating POSTs, for the route's schema. */
export const idempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ maxLength: 255, description: 'The same key with the same body gives the same reply; nothing is created twice.' }),
  ),
});

/**
 * Answers a creating POST once per Idempotency-Key. `create` makes the thing and calls `remember` inside the transaction
 * that does so. A reply already kept is given again; refusals are not kept.
 *
 * Requests with one key at the same time need no lock: they all run, the database lets one transaction commit (the
 * key is unique), and the losers find its reply after they failed, for whatever reason they did.
 *
 * `content` is what counts as the body: the parsed JSON unless the route read the body itself.
 */
export async function createOnce(
  request: Request,
  reply: Reply,
  { idempotency, content = request.body }: { idempotency: IdempotencyStore; content?: unknown },
  create: (remember: Remember) => Promise<StoredReply>,
): Promise<Reply> {
  const use = useOf(request, content);
  if (use === null) return send(reply, await create(async () => undefined));
  const earlier = await replyOf(idempotency, use);
  if (earlier !== null) return send(reply.header('idempotent-replayed', 'true'), earlier);
  try {
    return send(reply, await create((tx, made) => idempotency.store(tx, use, made)));
  } catch (error) {
    const winner = await replyOf(idempotency, use);
    if (winner === null) throw error;
    return send(reply.header('idempotent-replayed', 'true'), winner);
  }
}

function useOf(request: Request, content: unknown): IdempotentUse | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !KEY_PATTERN.test(key)) {
    throw new AppError('invalid_request', { detail: 'Idempotency-Key must be 1 to 255 printable ASCII characters.' });
  }
  const path = request.url.split('?', 1)[0];
  const requestHash = createHash('sha256')
    .update(JSON.stringify(content) ?? '')
    .digest('hex');
  return { project: request.project, route: `${request.method} ${path}`, key, requestHash };
}

async function replyOf(idempotency: IdempotencyStore, use: IdempotentUse): Promise<StoredReply | null> {
  const found = await idempotency.find(use);
  if (found.outcome === 'other_request') {
    throw new AppError('idempotency_conflict', {
      detail: 'This Idempotency-Key was used with another body; take a new key for a new request.',
    });
  }
  return found.outcome === 'replay' ? found.reply : null;
}

function send(reply: Reply, { status, headers, body }: StoredReply): Reply {
  return reply.code(status).headers(headers).send(body);
}
