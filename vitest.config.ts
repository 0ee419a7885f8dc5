import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // A loaded machine is slow, not broken: these bound what hangs, they measure nothing.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
