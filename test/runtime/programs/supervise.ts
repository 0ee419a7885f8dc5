// Supervises the program next to it, and says what happens to it.
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { startSupervisor } from '../../../src/runtime/supervisor.ts';

const supervisor = startSupervisor({
  entry: fileURLToPath(new URL('./child-of-parent.ts', import.meta.url)),
  env: process.env,
  logger: pino({ level: 'silent' }),
  onDeath: async ({ pid, signal }) => console.log(`died ${pid} ${signal}`),
});
process.once('SIGTERM', () => void supervisor.stop().then(() => process.exit(0)));
