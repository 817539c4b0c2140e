import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As scripts/build.mjs takes them: as text.
  plugins: [
    {
      name: 'shell-as-text',
      transform: (code, id) => (id.endsWith('.sh') ? `export default ${JSON.stringify(code)}` : undefined),
    },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    // For what hangs; what takes long on a busy machine may.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Loading what tests use anew for each file would be an eighth of all the work; no file changes what others see.
    isolate: false,
    // Most tests wait for processes; with one worker they would wait in line.
    maxWorkers: 3,
    // Real processes and networks on a machine that others use as well; another try is told in the output.
    retry: process.env.CI ? 2 : 0,
    globalSetup: ['test/support/build-once.ts'],
  },
});
