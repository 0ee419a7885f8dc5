// A worker whose queue loop hangs for ever without an error, if the file PARK is there. It removes the file: the worker that
// replaces it is a whole one.
import { existsSync, rmSync } from 'node:fs';
import { Worker } from 'bullmq';
import { loadConfig } from '../../../src/config.ts';
import { createLogger } from '../../../src/runtime/logger.ts';
import { runWorker } from '../../../workers/main.ts';

const park = process.env['PARK'] ?? '';
if (existsSync(park)) {
  rmSync(park);
  if (!Reflect.has(Worker.prototype, '_getNextJob')) throw new Error('the loop fetches by another name now');
  Reflect.set(Worker.prototype, '_getNextJob', () => new Promise(() => undefined));
}
const config = loadConfig(process.env);
await runWorker({ config, logger: createLogger(config.logLevel, 'worker') });
