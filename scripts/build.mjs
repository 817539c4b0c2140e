// Bundles the command line, the keeper and the simulator into dist/ with shared, lazily loaded chunks.
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: { cli: 'src/cli/main.ts', keeper: 'src/keeper/main.ts', demo: 'sim/demo.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: ['ssh2', 'ajv', 'ajv-formats', 'bufferutil', 'utf-8-validate'],
  chunkNames: 'chunks/[name]-[hash]',
  // CommonJS dependencies inside an ESM bundle ask for `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
