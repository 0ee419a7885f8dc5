// Starts the embedded servers, says where they are and stays.
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../../src/runtime/embedded-postgres.ts';
import { findRedisServer, startEmbeddedRedis } from '../../../src/runtime/embedded-redis.ts';

const dir = process.argv[2] ?? '';
const postgres = await startEmbeddedPostgres({ dataDir: join(dir, 'postgres'), database: 'alma', durable: false });
console.log(`postgres ${postgres.pid}`);
const program = await findRedisServer();
if (program !== null) console.log(`redis ${(await startEmbeddedRedis(program, join(dir, 'redis'))).pid}`);
console.log('ready');
setInterval(() => undefined, 60_000);
