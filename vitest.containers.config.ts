import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// The tests that use PostgreSQL or Redis, on containers of both: all but those that touch neither, and those of the
// servers this program starts itself.
export default defineConfig({
  test: {
    ...base.test,
    exclude: [...configDefaults.exclude, 'test/{config,conformance,engine,native,preprocessing,runtime,threads}/**'],
    globalSetup: ['test/support/containers.ts', 'test/support/global-setup.ts'],
    // Each has a database of the one Redis to itself, which has sixteen.
    maxWorkers: Math.min(8, availableParallelism()),
    hookTimeout: 180_000,
  },
});
