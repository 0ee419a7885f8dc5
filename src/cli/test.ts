// `npm test`: everything that needs no container engine. Says first which queue stores it covers.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findRedisServer } from '../runtime/embedded-redis.ts';

const redisUrl = process.env['REDIS_URL'];
const redis = redisUrl !== undefined && redisUrl !== '' ? 'the Redis of REDIS_URL' : await findRedisServer();
console.log(
  `queue stores covered: PostgreSQL${redis === null ? '; Redis is not: no redis-server on PATH and no REDIS_URL' : ` and Redis (${redis})`}`,
);

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const child = spawn(process.execPath, [vitest, 'run', ...process.argv.slice(2)], { stdio: 'inherit' });
process.on('SIGINT', () => undefined); // The terminal tells the child.
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
