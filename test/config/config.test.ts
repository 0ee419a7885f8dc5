import { describe, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.ts';

describe('configuration', () => {
  test('an empty environment serves this machine only, without keys, from embedded servers', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({ role: 'all', databaseUrl: null, redisUrl: null, queue: 'auto', dataDir: '.alma' });
    expect(config.http).toEqual({ host: '127.0.0.1', port: 3000, auth: false, loopback: true, apiKey: null });
    expect(config.limits).toMatchObject({ bodyBytesMax: 1_048_576, uploadBytesMax: 104_857_600 });
  });

  test('every fault is listed at once', () => {
    const faults = faultsOf({
      PORT: '80.5',
      ROLE: 'master',
      LOG_LEVEL: 'INFO',
      ROWS_MAX: '0',
      LEASE_SECONDS: '1e3',
      REDIS_URL: 'http://x',
      API_KEY: 'short',
    });
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
      'ROLE',
      'PORT',
      'API_KEY',
      'REDIS_URL',
      'LEASE_SECONDS',
      'LOG_LEVEL',
      'ROWS_MAX',
    ]);
    expect(faults).toContain('PORT must be an integer from 0 to 65535, received "80.5"');
  });

  test.each(['-1', '+5', ' 5', '5 ', '0x10', '1_000', '1e2', 'NaN', 'Infinity', '٣', '99999999999999999999'])(
    '%j is not an integer',
    (text) => {
      expect(faultsOf({ WORKER_CONCURRENCY: text })).toHaveLength(1);
    },
  );

  test('a fault never shows what may be a secret', () => {
    expect(faultsOf({ API_KEY: 'hunter2', DATABASE_URL: 'mysql://me:hunter2@db/x' }).join()).not.toContain('hunter2');
  });

  test('an empty variable counts as absent', () => {
    expect(loadConfig({ API_KEY: '', PORT: '', DATABASE_URL: '' })).toEqual(loadConfig({}));
  });

  test.each(['0.0.0.0', '::', '192.168.1.4', 'db.example.org', '127.example.org'])(
    'on %s keys are needed and cannot be turned off',
    (host) => {
      expect(loadConfig({ HOST: host }).http.auth).toBe(true);
      expect(faultsOf({ HOST: host, AUTH: 'off' })[0]).toContain('AUTH must not be off');
    },
  );

  test.each(['127.0.0.1', '127.8.8.8', 'localhost', '::1'])('on %s keys are needed when asked for', (host) => {
    expect(loadConfig({ HOST: host }).http.auth).toBe(false);
    expect(loadConfig({ HOST: host, AUTH: 'on' }).http.auth).toBe(true);
  });

  test.each(['api', 'worker'])('the role %s names the servers it lacks', (role) => {
    expect(faultsOf({ ROLE: role, QUEUE: 'redis' })).toEqual([
      `DATABASE_URL must be set for the role ${role}`,
      `REDIS_URL must be set for the role ${role} with QUEUE=redis`,
    ]);
  });

  test('is frozen all the way down', () => {
    const config = loadConfig({});
    for (const part of [config, config.http, config.limits, config.worker, config.engine]) expect(Object.isFrozen(part)).toBe(true);
  });
});

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}
