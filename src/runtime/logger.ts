import { type Logger, pino } from 'pino';

/** One JSON object a line on standard output; what may be a secret is left out. */
export function createLogger(level: string, role: string): Logger {
  return pino({
    level,
    base: { role, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ['req.headers.authorization', 'headers.authorization', '*.headers.authorization'], remove: true },
  });
}
