import { PostgreSqlContainer } from '@testcontainers/postgresql';
import { RedisContainer } from '@testcontainers/redis';

/**
 * Starts PostgreSQL and Redis as containers and names them in the environment, where the tests look first.
 * TEST_POSTGRES_IMAGE and TEST_REDIS_IMAGE choose the images.
 */
export async function setup(): Promise<() => Promise<void>> {
  const [postgres, redis] = await Promise.all([
    new PostgreSqlContainer(process.env['TEST_POSTGRES_IMAGE'] ?? 'postgres:17-bookworm')
      // Every test has a database and pools of its own, and none of them has to survive a power cut.
      .withCommand(['postgres', '-c', 'max_connections=300', '-c', 'fsync=off'])
      .start(),
    new RedisContainer(process.env['TEST_REDIS_IMAGE'] ?? 'redis:7-bookworm').start(),
  ]);
  process.env['TEST_DATABASE_URL'] = postgres.getConnectionUri();
  process.env['REDIS_URL'] = redis.getConnectionUrl();
  console.log(
    `PostgreSQL at ${postgres.getHost()}:${postgres.getPort()}, Redis at ${redis.getHost()}:${redis.getPort()}, both in containers`,
  );
  return async () => {
    await Promise.all([postgres.stop(), redis.stop()]);
  };
}
