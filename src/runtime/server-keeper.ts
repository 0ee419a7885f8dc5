import type { Logger } from 'pino';
import { startLoop } from '../lib/wakeable-loop.ts';
import { isProcessAlive } from './process-alive.ts';

/** An embedded server, as its keeper sees it. */
export interface KeptServer {
  /** Of the process that serves now. */
  readonly pid: number;
  /** Starts the server again, under the same address and on the same data, after its process has died. */
  restart(): Promise<void>;
}

export interface ServerKeeperOptions {
  /** What the log calls the server. */
  readonly name: 'postgres' | 'redis';
  readonly server: KeptServer;
  readonly logger: Pick<Logger, 'error' | 'info'>;
  /** Whether the service is ending: a server that dies from then on is no news and stays away. */
  readonly isEnding: () => boolean;
}

/** How long a death goes unnoticed; also the pause after a start that failed. */
const LOOK_MS = 500;

/**
 * Starts an embedded server again whenever its process has died, whoever ended it. Until it serves, what needs it fails or
 * waits (requests that need PostgreSQL are answered with 503); connections are made anew by whoever needs one.
 */
export function keepServerRunning({ name, server, logger, isEnding }: ServerKeeperOptions): { close(): Promise<void> } {
  const look = async (): Promise<void> => {
    const { pid } = server;
    if (isProcessAlive(pid) || isEnding()) return;
    logger.error({ [`${name}_pid`]: pid }, `${name}_died`);
    await server.restart();
    logger.info({ [`${name}_pid`]: server.pid }, `${name}_restarted`);
  };
  const onError = (error: Error): void => {
    if (!isEnding()) logger.error({ err: error }, `${name}_restart_failed`);
  };
  return startLoop(look, { intervalMs: LOOK_MS, onError });
}
