import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { batchAt, comfyOf, podsReady } from '../test/support/jobs.ts';
import { sleeping, workflowFile } from '../test/support/workflows.ts';
import { startWorld, type TestWorld } from '../test/support/world.ts';
import { markdown, median, say } from './report.ts';

/**
 * `npm run bench:run [-- --only one,queue,many --seconds 10 --runs 3 --queue 20 --jobs 1000 --pods 4]`: what `run` adds to
 * a job, to the time between two jobs, and what a large batch takes; against curl and against ComfyUI's own queue.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'one,queue,many' },
    seconds: { type: 'string', default: '10' },
    runs: { type: 'string', default: '3' },
    queue: { type: 'string', default: '20' },
    jobs: { type: 'string', default: '1000' },
    pods: { type: 'string', default: '4' },
  },
});
const RUNS = Number(values.runs);
const POLL_MS = 250;

execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
const folder = mkdtempSync(join(tmpdir(), 'autopod-bench-'));
const only = values.only.split(',');
try {
  if (only.includes('one')) await inWorld(1, oneJob);
  if (only.includes('queue')) await inWorld(1, fullQueue);
  if (only.includes('many')) await inWorld(Number(values.pods), many);
} finally {
  rmSync(folder, { recursive: true });
}

async function inWorld(
  pods: number,
  work: (world: TestWorld, podIds: string[]) => Promise<void>,
): Promise<void> {
  const world = await startWorld({ comfyui: { jobMs: 0 } });
  try {
    await work(world, await podsReady(world, pods));
  } finally {
    await world.end();
  }
}

/** The whole command, from its start to the file on the disk, beside a POST, questions for the history and a GET. */
async function oneJob(world: TestWorld): Promise<void> {
  const seconds = Number(values.seconds);
  const port = JSON.parse((await world.autopod(['tunnel', '--status', '--json'])).stdout).tunnels[0]
    .localPort;
  const curl: number[] = [];
  const autopod: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    curl.push(await timed(() => byCurl(port, sleeping(seconds, 20, 2 * n))));
    const path = workflowFile(folder, 'one.json', sleeping(seconds, 20, 2 * n + 1));
    autopod.push(await timed(() => succeed(world, ['run', path, '--out', folder])));
  }
  say(
    markdown(
      [`a job of ${seconds} s`, 'median', ': curl'],
      [
        ['curl: POST, history, GET', inSeconds(median(curl)), '1.00 ×'],
        ['autopod run', inSeconds(median(autopod)), times(median(autopod) / median(curl))],
      ],
    ),
  );
}

async function byCurl(port: number, prompt: object): Promise<void> {
  const at = `http://127.0.0.1:${port}`;
  const id = randomUUID();
  // The simulator answers in this process.
  const ask = async (...argv: string[]) => (await promisify(execFile)('curl', ['-sf', ...argv])).stdout;
  await ask('-d', JSON.stringify({ prompt, prompt_id: id }), `${at}/prompt`);
  for (;;) {
    const entry = JSON.parse(await ask(`${at}/history/${id}`))[id];
    const [image] = entry?.outputs?.['2']?.images ?? [];
    if (image) {
      await ask('-o', join(folder, 'curl.png'), `${at}/view?${new URLSearchParams(image)}`);
      return;
    }
    await sleep(POLL_MS);
  }
}

/** From the start of the first job to the end of the last, by ComfyUI's own clock: its queue full, and filled by autopod. */
async function fullQueue(world: TestWorld, [podId = '']: string[]): Promise<void> {
  const count = Number(values.queue);
  const port = JSON.parse((await world.autopod(['tunnel', '--status', '--json'])).stdout).tunnels[0]
    .localPort;
  const rows: string[][] = [];
  for (const seconds of [0.5, 2]) {
    const full: number[] = [];
    const batch: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const ids = Array.from({ length: count }, () => randomUUID());
      for (const [n, id] of ids.entries()) {
        const prompt = sleeping(seconds, 4, 1e6 * (run + 1) + n);
        const body = JSON.stringify({ prompt, prompt_id: id });
        await fetch(`http://127.0.0.1:${port}/prompt`, { method: 'POST', body });
      }
      full.push(await spanOf(port, ids));
      const made = await batchAt(world, [podId], count, {
        prompt: (index) => sleeping(seconds, 4, 2e7 * (run + 1) + index),
      });
      await made.heed();
      await made.ended(600_000);
      const promptIds = (await made.facts()).map(({ submissions }) => submissions.at(-1)?.promptId ?? '');
      batch.push(await spanOf(port, promptIds));
    }
    rows.push([
      `${count} jobs of ${seconds} s`,
      inSeconds(median(full) / count),
      inSeconds(median(batch) / count),
      times(median(batch) / median(full)),
    ]);
  }
  say(markdown(['', 'a job, queue full', 'a job of a batch', 'batch : full'], rows));
}

/** Milliseconds between the first start and the last end of these prompts. */
async function spanOf(port: number, ids: string[]): Promise<number> {
  const spans: { start: number; end: number }[] = [];
  for (const id of ids) {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/history/${id}`);
      const messages: [string, { timestamp: number }][] =
        ((await answer.json()) as Record<string, { status: { messages: [] } }>)[id]?.status.messages ?? [];
      const at = (name: string) => messages.find(([one]) => one === name)?.[1].timestamp ?? 0;
      if (messages.length > 0) {
        spans.push({ start: at('execution_start'), end: at('execution_success') });
        break;
      }
      await sleep(POLL_MS);
    }
  }
  return Math.max(...spans.map(({ end }) => end)) - Math.min(...spans.map(({ start }) => start));
}

/** A batch that is followed by a command, quarter by quarter: time for a job, and memory of the command and the keeper. */
async function many(world: TestWorld, podIds: string[]): Promise<void> {
  const count = Number(values.jobs);
  const batch = await batchAt(world, podIds, count, { bytes: 4_000 });
  await batch.heed();
  const { child, ended } = world.start(['jobs', 'wait', batch.batchId, '--no-preview']);
  const rows: string[][] = [];
  let from = performance.now();
  let first = Number.NaN;
  let done = 0;
  for (let quarter = 1; quarter <= 4; quarter++) {
    const goal = Math.round((count * quarter) / 4);
    let madeByNow = done;
    while (madeByNow < goal) {
      await sleep(100);
      const view = await batch.keeper.batchView(batch.batchId).catch(() => undefined);
      madeByNow = view ? view.counts.done : (await batch.states()).filter((state) => state === 'done').length;
    }
    const now = performance.now();
    const each = (now - from) / (madeByNow - done);
    if (quarter === 1) first = each;
    rows.push([
      `${quarter}`,
      `${each.toFixed(0)} ms`,
      times(each / first),
      `${residentMb(child.pid)} MB`,
      `${residentMb(world.keeperPids()[0])} MB`,
    ]);
    [from, done] = [now, madeByNow];
  }
  const { code, stderr } = await ended;
  if (code !== 0) throw new Error(stderr.slice(-500));
  const made = podIds.flatMap((podId) => comfyOf(world, podId).storage.list('output')).length;
  say(
    markdown(
      [`quarter of ${count} jobs on ${podIds.length} pods`, 'a job', ': first', 'command', 'keeper'],
      rows,
    ),
  );
  say(`${made} files were made for ${count} jobs.`);
}

function residentMb(pid: number | undefined): string {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kb === undefined ? '–' : (Number(kb) / 1024).toFixed(0);
}

async function succeed(world: TestWorld, argv: string[]): Promise<void> {
  const { code, stderr } = await world.autopod(argv);
  if (code !== 0) throw new Error(`autopod ${argv.join(' ')}: ${stderr}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)} ×`;
}
