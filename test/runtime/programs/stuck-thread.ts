// Ends on SIGTERM, but for a thread that works in native code for minutes.
import { Worker } from 'node:worker_threads';
import { createLogger } from '../../../src/runtime/logger.ts';
import { createShutdown, shutdownOnSignals } from '../../../src/runtime/shutdown.ts';

const logger = createLogger('info', 'worker');
const shutdown = createShutdown(logger);
shutdownOnSignals(shutdown, logger, 500);
const work = `require('node:worker_threads').parentPort.postMessage('busy'); require('node:crypto').pbkdf2Sync('a', 'b', 2 ** 30, 64, 'sha512');`;
const thread = new Worker(work, { eval: true });
shutdown.add('threads', async () => void (await thread.terminate()));
thread.once('message', () => process.stdout.write('busy\n'));
