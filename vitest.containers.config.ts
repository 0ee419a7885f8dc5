import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// The tests that use PostgreSQL or Redis, on containers of both.
export default defineConfig({
  test: {
    ...base.test,
    include: ['test/{api-keys,blobs,contract,datasets,db,deployments,fleet,http,jobs,models,queue}/**/*.test.ts'],
    globalSetup: ['test/support/containers.ts', 'test/support/global-setup.ts'],
    hookTimeout: 180_000,
  },
});
