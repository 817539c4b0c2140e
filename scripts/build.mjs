// Bundles the command line, the keeper and the simulator into dist/ with shared, lazily loaded chunks. What starts
// first and the quick answers of light commands are a file each: many small chunks cost more to load than one.
import { chmod, cp, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const shared = {
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  logLevel: 'warning',
  // The program that is put into a pod.
  loader: { '.sh': 'text' },
};
/** For bundles with all libraries in them. */
const whole = {
  external: ['ssh2', 'ajv', 'ajv-formats', 'bufferutil', 'utf-8-validate'],
  // CommonJS dependencies inside an ESM bundle ask for `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
  },
};
/** Left as an import of the file that its entry point becomes. */
const apart = (...names) => ({
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^\\./(${names.join('|')})\\.ts$`) }, ({ path }) => ({
      path: path.replace(/ts$/, 'js'),
      external: true,
    }));
  },
});

/** Evaluated when first used: what they do to begin with costs more than all else of a short command. */
const lazily = (...names) => ({
  name: 'lazily',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${names.join('|')})$`) }, ({ kind, path, resolveDir }) =>
      kind === 'import-statement' ? { path, namespace: 'lazily', pluginData: resolveDir } : undefined,
    );
    onLoad({ filter: /^/, namespace: 'lazily' }, ({ path, pluginData }) => ({
      resolveDir: pluginData,
      contents: `
        let loaded;
        const load = () => {
          const found = (loaded ??= require(${JSON.stringify(path)}));
          return found.default ?? found;
        };
        export default new Proxy(() => {}, {
          get: (_, name) => load()[name],
          apply: (_, self, values) => load().apply(self, values),
        });`,
    }));
  },
});
// string-width compiles expressions of all emoji; got loads HTTP/2, which nothing here speaks.
whole.plugins = [lazily('string-width', 'http2-wrapper')];

await rm('dist', { recursive: true, force: true });
await build({
  ...shared,
  ...whole,
  entryPoints: { run: 'src/cli/run.ts', demo: 'sim/demo.ts', 'demo-fleet': 'sim/demo-fleet.ts' },
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
});
// The keeper outlives updates of autopod: it is one file, with nothing to be loaded later.
await build({ ...shared, ...whole, entryPoints: { keeper: 'src/keeper/main.ts' } });
await build({
  ...shared,
  entryPoints: { cli: 'src/cli/main.ts' },
  plugins: [apart('run', 'status', 'quick')],
});
await chmod('dist/cli.js', 0o755);
await build({
  ...shared,
  entryPoints: { status: 'src/cli/status.ts' },
  splitting: true,
  chunkNames: 'chunks/status-[name]-[hash]',
});
await build({ ...shared, entryPoints: { quick: 'src/cli/quick.ts' } });

// The inspector's page, and the charts it shows: laid out here, so that nobody needs elkjs at run time.
await cp('src/inspector/page', 'dist/inspector', { recursive: true });
const drawing = resolve('dist/inspector/draw.mjs');
await build({
  entryPoints: ['scripts/inspector-charts.ts'],
  outfile: drawing,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  logLevel: 'warning',
});
await (await import(pathToFileURL(drawing).href)).writeCharts('dist/inspector');
await rm(drawing);
