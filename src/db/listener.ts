// Wake-ups between processes over PostgreSQL's LISTEN/NOTIFY: one connection that comes back by itself.
// Not a message bus: what is sent while the connection is down is lost, so after every (re)connect each handler is called
// with an empty payload and reads the tables again.
import pg from 'pg';
import { CHANNELS, type Channel, type Tx } from './database.ts';
import type { Queryable } from './transaction.ts';

export type NotificationHandler = (payload: string) => void;

export interface Listener {
  /** Calls the handler for each notification until the returned function is called. An empty payload means: read again. */
  on(channel: Channel, handler: NotificationHandler): () => void;
  close(): Promise<void>;
}

const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 5000;

/** Starts listening to all channels; connecting and reconnecting happen in the background. */
export function createListener(url: string, options: { onError: (error: Error) => void }): Listener {
  const handlers = new Map<string, Set<NotificationHandler>>(Object.values(CHANNELS).map((channel) => [channel, new Set()]));
  let client: pg.Client | null = null;
  let retryTimer: NodeJS.Timeout | undefined;
  let retryMs = RETRY_FIRST_MS;
  let closed = false;

  const deliver = (channel: string, payload: string): void => {
    // A copy: a handler may take itself away.
    for (const handler of [...(handlers.get(channel) ?? [])]) {
      try {
        handler(payload);
      } catch (error) {
        options.onError(error instanceof Error ? error : new Error(String(error)));
      }
    }
  };

  const retryLater = (lost: pg.Client): void => {
    if (closed || client !== lost) return;
    client = null;
    void lost.end().catch(() => undefined);
    retryTimer = setTimeout(connect, retryMs);
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
  };

  const connect = (): void => {
    const fresh = newClient(url);
    client = fresh;
    fresh.on('error', (error) => {
      if (!closed && client === fresh) options.onError(error);
      retryLater(fresh);
    });
    fresh.on('end', () => retryLater(fresh));
    fresh.on('notification', ({ channel, payload }) => deliver(channel, payload ?? ''));
    listenAll(fresh).then(
      () => {
        retryMs = RETRY_FIRST_MS;
        if (!closed) for (const channel of handlers.keys()) deliver(channel, '');
      },
      (error: Error) => {
        if (!closed && client === fresh) options.onError(error);
        retryLater(fresh);
      },
    );
  };

  connect();
  return {
    on: (channel, handler) => {
      handlers.get(channel)?.add(handler);
      return () => void handlers.get(channel)?.delete(handler);
    },
    close: async () => {
      closed = true;
      clearTimeout(retryTimer);
      await client?.end().catch(() => undefined);
    },
  };
}

/** Sends a wake-up; inside a transaction it is delivered with the commit, and not at all after a rollback. */
export async function notify(via: Queryable | Tx, channel: Channel, payload: string): Promise<void> {
  if ('$executeRaw' in via) await via.$executeRaw`SELECT pg_notify(${channel}, ${payload})`;
  else await via.query('SELECT pg_notify($1, $2)', [channel, payload]);
}

function newClient(url: string): pg.Client {
  return new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    // A silent connection over a dead network is noticed by the system's probes.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'alma-listener',
  });
}

async function listenAll(client: pg.Client): Promise<void> {
  await client.connect();
  await client.query(
    Object.values(CHANNELS)
      .map((channel) => `LISTEN ${channel}`)
      .join('; '),
  );
}
