import type { Logger } from 'pino';
import { startLoop } from '../lib/wakeable-loop.ts';
import type { EmbeddedPostgres } from './embedded-postgres.ts';
import { isProcessAlive } from './process-alive.ts';

/** How long a death goes unnoticed; also the pause after a start that failed. */
const LOOK_MS = 500;

/**
 * Starts the embedded PostgreSQL again whenever its process has died, whoever ended it. Until it serves, requests that need
 * it are answered with 503; connections are made anew by whoever needs one.
 */
export function keepPostgresRunning(
  server: Pick<EmbeddedPostgres, 'pid' | 'restart'>,
  logger: Pick<Logger, 'error' | 'info'>,
): { close(): Promise<void> } {
  const look = async (): Promise<void> => {
    const { pid } = server;
    if (isProcessAlive(pid)) return;
    logger.error({ postgres_pid: pid }, 'postgres_died');
    // Backends that outlive their server hold its memory for seconds: the start waits for them.
    await server.restart();
    logger.info({ postgres_pid: server.pid }, 'postgres_restarted');
  };
  return startLoop(look, { intervalMs: LOOK_MS, onError: (error) => logger.error({ err: error }, 'postgres_restart_failed') });
}
