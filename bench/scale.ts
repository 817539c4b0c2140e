import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type PodRecordFacts, plannedLaunch, podRecord } from '../src/lifecycle/pod-records.ts';
import { describeHome } from '../src/store/home.ts';
import { RecordStore } from '../src/store/records.ts';
import { startWorld, type TestWorld } from '../test/support/world.ts';
import { markdown, median, repeated, say } from './report.ts';

/**
 * `npm run bench:scale [-- --runs 7]`: how commands and saves grow with the pods of an account, the lines of the journal
 * and the records of a home, each beside the smallest of its kind.
 */
const { values } = parseArgs({ options: { runs: { type: 'string', default: '7' } } });
const RUNS = Number(values.runs);

execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
say(markdown(['', 'median', 'growth'], [...(await pods()), ...(await journalLines()), ...(await records())]));

/** `ls` of so many pods, on pages of at most a thousand. */
function pods(): Promise<string[][]> {
  return grown([10, 300, 3_000], 'ls of {} pods', async (count) => {
    const world = await startWorld();
    world.simulator.world.addBystanders({ count });
    return { world, work: () => timed(world, ['ls', '--json']) };
  });
}

function journalLines(): Promise<string[][]> {
  return grown([100, 10_000, 100_000], 'history of {} lines', async (count) => {
    const world = await startWorld();
    const line = (n: number) => ({
      at: new Date(1_700_000_000_000 + n * 1000).toISOString(),
      machine: 'tunnel@1',
      id: 'pod0000000001',
      event: 'holdForward.failed',
      from: n % 2 ? 'healthy' : 'recreating',
      to: n % 2 ? 'dead' : 'healthy',
    });
    const text = Array.from({ length: count }, (_, n) => `${JSON.stringify(line(n))}\n`).join('');
    writeFileSync(join(world.home, 'journal.jsonl'), text);
    return { world, work: () => timed(world, ['history', '--all', '--tail', '20']) };
  });
}

/** One save, which writes the file anew. */
function records(): Promise<string[][]> {
  return grown([1, 100, 1_000], 'a save among {} records', async (count) => {
    const world = await startWorld();
    const { pods: path, locks } = describeHome(world.home);
    const store = new RecordStore<PodRecordFacts>({ path, locks });
    const wish = {
      name: 'x',
      image: 'x',
      gpuPreferences: [],
      gpuCount: 1,
      diskGb: 1,
      volumeMount: '/workspace',
    };
    const record = podRecord(
      plannedLaunch({ ...wish, cloud: 'SECURE', exposedPorts: [] }, { keepTunnel: true, localPort: 8188 }),
      'stopped',
    );
    await store.transact((all) => {
      for (let n = 0; n < count; n++) all[`launch-${n}`] = record;
    });
    const work = async () => {
      const begun = performance.now();
      await store.update('launch-0', () => record);
      return performance.now() - begun;
    };
    return { world, work };
  });
}

async function grown(
  counts: number[],
  name: string,
  begin: (count: number) => Promise<{ world: TestWorld; work: () => Promise<number> }>,
): Promise<string[][]> {
  const rows: string[][] = [];
  let least = Number.NaN;
  for (const count of counts) {
    const { world, work } = await begin(count);
    const ms = median(await repeated(RUNS, work).finally(() => world.end()));
    if (rows.length === 0) least = ms;
    rows.push([
      name.replace('{}', count.toLocaleString('en')),
      `${ms.toFixed(ms < 20 ? 1 : 0)} ms`,
      `${(ms / least).toFixed(1)} ×`,
    ]);
    process.stderr.write(`${rows.at(-1)?.join(', ')}\n`);
  }
  return rows;
}

async function timed(world: TestWorld, args: string[]): Promise<number> {
  const begun = performance.now();
  const { code, stderr } = await world.autopod(args);
  if (code !== 0) throw new Error(`autopod ${args.join(' ')}: ${stderr}`);
  return performance.now() - begun;
}
