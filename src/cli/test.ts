// `npm test`: everything that needs no container engine. Says first which queue stores it covers.
import { findRedisServer } from '../runtime/embedded-redis.ts';
import { runVitest } from './run-vitest.ts';

const redisUrl = process.env['REDIS_URL'];
const redis = redisUrl !== undefined && redisUrl !== '' ? 'the Redis of REDIS_URL' : await findRedisServer();
console.log(
  `queue stores covered: PostgreSQL${redis === null ? '; Redis is not: no redis-server on PATH and no REDIS_URL' : ` and Redis (${redis})`}`,
);

runVitest([]);
