import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most tests wait for processes; with one worker they would wait in line.
    maxWorkers: 2,
    globalSetup: ['test/support/build-once.ts'],
  },
});
