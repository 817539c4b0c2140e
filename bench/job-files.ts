import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchOutputs } from '../src/jobs/files/index.ts';
import type { JobOutput } from '../src/machines/job-types.ts';
import { facts, output } from '../test/jobs/files/facts.ts';
import { startTunnelWorld } from '../test/netns/tunnel-world.ts';
import { markdown, median, say } from './report.ts';

/**
 * `npm run bench:files [-- --files 200 --megabytes 20 --runs 3]`: the files of a job through autopod's tunnel to an OpenSSH
 * sshd in a network namespace, by one curl, by one that also waits for the disk, and by autopod, which waits for it as well,
 * checks the files and writes the sidecars. In turns. Needs root, iproute2, sshd and curl.
 */
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '200' },
    megabytes: { type: 'string', default: '20' },
    runs: { type: 'string', default: '3' },
  },
});
const MEGABYTES = Number(values.megabytes);
const outputs = Array.from({ length: Number(values.files) }, (_, n) =>
  output({ n, filename: `${MEGABYTES * 1_000_000}_${n}.png` }),
);

async function timed(work: (folder: string) => Promise<unknown> | unknown): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'autopod-bench-'));
  const begun = performance.now();
  await work(folder);
  const seconds = (performance.now() - begun) / 1000;
  await rm(folder, { recursive: true });
  return seconds;
}

function byCurl(port: number, folder: string): void {
  const files = outputs.flatMap(({ filename }) => [
    '-o',
    join(folder, filename),
    `http://127.0.0.1:${port}/view?filename=${filename}&subfolder=&type=output`,
  ]);
  execFileSync('curl', ['-sf', ...files]);
}

/** As autopod leaves them: on the disk, and not only in the memory that is written to it some time. */
function byCurlAndSync(port: number, folder: string): void {
  byCurl(port, folder);
  execFileSync(
    'sync',
    outputs.map(({ filename }) => join(folder, filename)),
  );
}

const memory: number[] = [];
async function byAutopod(port: number, out: string): Promise<JobOutput[]> {
  const { signal } = new AbortController();
  return await fetchOutputs({ localPort: port }, facts({ out, outputs }), signal, {
    onFile: () => void memory.push(process.memoryUsage().rss / 1e6),
  });
}

const net = await startTunnelWorld();
const curl: number[] = [];
const synced: number[] = [];
const autopod: number[] = [];
try {
  for (let run = 0; run < Number(values.runs); run += 1) {
    curl.push(await timed((folder) => byCurl(net.port, folder)));
    synced.push(await timed((folder) => byCurlAndSync(net.port, folder)));
    autopod.push(await timed((folder) => byAutopod(net.port, folder)));
  }
} finally {
  await net.end();
}
const total = MEGABYTES * outputs.length;
const part = (whole: number[], of: number[]) => (median(whole) / median(of)).toFixed(2);
const rate = (seconds: number) => `${Math.round(total / seconds)} MB/s`;
say(
  markdown(
    [`${outputs.length} files of ${MEGABYTES} MB`, 'median', 'of curl', 'of curl and sync'],
    [
      ['one curl', rate(median(curl)), '1', ''],
      ['one curl, and sync', rate(median(synced)), part(curl, synced), '1'],
      ['autopod', rate(median(autopod)), part(curl, autopod), part(synced, autopod)],
    ],
  ),
);
say(
  `Memory of autopod's process after the first file and the last: ${Math.round(memory[0] ?? 0)} and ${Math.round(memory.at(-1) ?? 0)} MB; at most ${Math.round(Math.max(...memory))} MB.`,
);
