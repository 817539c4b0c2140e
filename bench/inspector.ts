import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { launchChromium } from '../test/inspector/support/browser.ts';
import { startWorld } from '../test/support/world.ts';
import { markdown, median, say } from './report.ts';

/** `npm run bench:inspector`: what the inspector's page weighs, and its first paint beside an empty page's. */
const { values } = parseArgs({ options: { runs: { type: 'string', default: '9' } } });
const RUNS = Number(values.runs);

execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
const folder = join(import.meta.dirname, '..', 'dist', 'inspector');
const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
const kilobytes = (sizes: number[]) => (sizes.reduce((sum, size) => sum + size, 0) / 1000).toFixed(1);
say(
  `The page and all it loads: ${kilobytes(files.map(({ length }) => length))} kB, ${kilobytes(files.map((file) => gzipSync(file).length))} kB when compressed; ${files.length} files.\n`,
);

const world = await startWorld();
const empty = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>empty'));
empty.listen(0, '127.0.0.1');
await once(empty, 'listening');
const { port } = empty.address() as { port: number };
const browser = await launchChromium();
try {
  await world.autopod(['up', '--local-port', 'auto']);
  const inspecting = world.start(['inspect', '--no-open', '--json']).child;
  const [line] = await once(inspecting.stdout as NodeJS.ReadableStream, 'data');
  const pages = {
    'an empty page': `http://127.0.0.1:${port}/`,
    'the inspector': JSON.parse(line).url as string,
  };
  const times: Record<string, number[]> = {};
  for (let run = 0; run < RUNS; run++) {
    for (const [name, url] of Object.entries(pages)) {
      const page = await browser.newPage();
      await page.goto(url);
      const paint = await page.waitForFunction(
        'performance.getEntriesByName("first-contentful-paint")[0]?.startTime',
      );
      times[name] = [...(times[name] ?? []), (await paint.jsonValue()) as number];
      await page.close();
    }
  }
  const base = median(times['an empty page'] ?? []);
  const rows = Object.entries(times).map(([name, all]) => [
    name,
    `${median(all).toFixed(0)} ms`,
    `${(median(all) / base).toFixed(1)} ×`,
  ]);
  say(markdown(['', 'first contentful paint', 'ratio'], rows));
} finally {
  await browser.close();
  empty.close();
  await world.end();
}
