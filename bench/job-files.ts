import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
 * checks the files and writes the sidecars. In turns, each with the CPU that it takes itself. Needs root, iproute2, sshd and curl.
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

interface Spent {
  seconds: number[];
  cpuSeconds: number[];
}

async function timed(spent: Spent, work: (folder: string) => Promise<unknown> | unknown): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'autopod-bench-'));
  const [begun, cpuBefore] = [performance.now(), cpuSeconds()];
  await work(folder);
  spent.seconds.push((performance.now() - begun) / 1000);
  spent.cpuSeconds.push(cpuSeconds() - cpuBefore);
  await rm(folder, { recursive: true });
}

/** Of this process and of those that it has waited for. */
function cpuSeconds(): number {
  const [, fields = ''] = readFileSync('/proc/self/stat', 'utf8').split(') ');
  const ticks = fields.split(' ').slice(11, 15).map(Number);
  return ticks.reduce((sum, ticks) => sum + ticks, 0) / 100;
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
const [curl, synced, autopod] = [0, 1, 2].map((): Spent => ({ seconds: [], cpuSeconds: [] })) as [
  Spent,
  Spent,
  Spent,
];
try {
  for (let run = 0; run < Number(values.runs); run += 1) {
    await timed(curl, (folder) => byCurl(net.port, folder));
    await timed(synced, (folder) => byCurlAndSync(net.port, folder));
    await timed(autopod, (folder) => byAutopod(net.port, folder));
  }
} finally {
  await net.end();
}
const total = MEGABYTES * outputs.length;
const part = (whole: Spent, of: Spent) => (median(whole.seconds) / median(of.seconds)).toFixed(2);
const rate = ({ seconds }: Spent) => `${Math.round(total / median(seconds))} MB/s`;
const cpu = ({ cpuSeconds }: Spent) => `${((median(cpuSeconds) / total) * 1000).toFixed(1)} s`;
say(
  markdown(
    [`${outputs.length} files of ${MEGABYTES} MB`, 'median', 'of curl', 'of curl and sync', 'CPU a GB'],
    [
      ['one curl', rate(curl), '1', '', cpu(curl)],
      ['one curl, and sync', rate(synced), part(curl, synced), '1', cpu(synced)],
      ['autopod', rate(autopod), part(curl, autopod), part(synced, autopod), cpu(autopod)],
    ],
  ),
);
say(
  `Memory of autopod's process after the first file and the last: ${Math.round(memory[0] ?? 0)} and ${Math.round(memory.at(-1) ?? 0)} MB; at most ${Math.round(Math.max(...memory))} MB.`,
);
