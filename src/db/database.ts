import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Prisma } from './generated/client.ts';
import { PrismaClient } from './generated/client.ts';
import { HeardClient } from './heard-client.ts';

/** Channels of LISTEN/NOTIFY: wake-ups between processes. The payload is a job id; the truth is always read from the tables. */
export const CHANNELS = {
  /** A job's row, epochs or events changed. */
  jobChanged: 'job_changed',
  /** A doorbell lies in the outbox. */
  outbox: 'outbox',
  /** The owner of a running job wants something of its worker. */
  jobWish: 'job_wish',
} as const;

export type Channel = (typeof CHANNELS)[keyof typeof CHANNELS];

/** A Prisma transaction: stores take one where a service spans several of them. */
export type Tx = Prisma.TransactionClient;

export interface Database {
  readonly prisma: PrismaClient;
  /** For chunks of bytes and the fenced statements of a worker. */
  readonly pool: pg.Pool;
  readonly url: string;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly poolSize: number;
  readonly onError: (error: Error) => void;
  /** After so long without a statement a transaction is ended: the rows that a frozen process holds are free again. */
  readonly idleTransactionMs?: number;
}

const IDLE_TRANSACTION_MS = 10_000;
const CONNECT_MS = 5000;
/** The removal of gigabytes takes more than moments. */
const STATEMENT_MS = 30_000;

/** Opens one pool, shared by Prisma and the plain statements. */
export function openDatabase(url: string, options: DatabaseOptions): Database {
  const idleMs = options.idleTransactionMs ?? IDLE_TRANSACTION_MS;
  const pool = new pg.Pool({
    Client: HeardClient,
    connectionString: url,
    max: options.poolSize,
    connectionTimeoutMillis: CONNECT_MS,
    // Longer than the server may take: a network that swallows the answer must not keep a caller waiting for ever.
    query_timeout: STATEMENT_MS + 5000,
    options: `-c statement_timeout=${STATEMENT_MS} -c lock_timeout=5000 -c idle_in_transaction_session_timeout=${idleMs}`,
  });
  // Without a listener a backend that ends while idle would end this process too.
  pool.on('error', options.onError);
  // Prisma's own limit would roll back after 5 s what a statement may still be at.
  const transactionOptions = { maxWait: CONNECT_MS, timeout: STATEMENT_MS };
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool), transactionOptions });
  return {
    prisma,
    pool,
    url,
    close: async () => {
      await prisma.$disconnect();
      if (!pool.ended) await pool.end();
    },
  };
}
