import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AnyStateMachine, fromPromise, setup } from 'xstate';
import { callObject } from '../src/fleet/engine/ask.ts';
import { startWorker } from '../src/fleet/engine/worker.ts';
import { runHere } from '../src/host/local.ts';
import { writeFileAtomic } from '../src/store/atomic-file.ts';
import { startTestServer } from '../test/fleet/support/engine.ts';
import { markdown, say } from './report.ts';

/**
 * `npm run bench:fleet [-- --pods 1000]`: so many machines take ten steps each, on the engine of a fleet and on this
 * machine's own host, whose states are a file each.
 */
const { values } = parseArgs({ options: { pods: { type: 'string', default: '1000' } } });
const PODS = Number(values.pods);
const STEPS = 10;
const AT_ONCE = 100;

const names = Array.from({ length: STEPS }, (_, n) => `step${n}`);
const machine = setup({ actors: { work: fromPromise<void>(() => Promise.reject()) } }).createMachine({
  id: 'steps@1',
  initial: 'step0',
  context: {},
  states: {
    ...Object.fromEntries(
      names.map((name, n) => [name, { invoke: { id: 'work', src: 'work', onDone: names[n + 1] ?? 'done' } }]),
    ),
    done: { type: 'final' },
  },
} as never) as unknown as AnyStateMachine;

const rows = [await onEngine(), await here()];
say(markdown(['', 'steps a second', 'resident', 'on disk, a pod'], rows));
process.exit();

async function onEngine(): Promise<string[]> {
  const world = await startTestServer();
  const { places, pid } = world.server;
  const before = diskOf(world.folder);
  // Asking each of them how it stands would be most of the work.
  const ends = new Map<string, () => void>();
  await startWorker({
    places,
    port: 0,
    identityKeys: world.identityKeys,
    durables: [
      {
        name: 'steps',
        machine,
        works: { work: { run: async () => undefined } },
        keep: async (key, { isFinal }) => (isFinal ? ends.get(key)?.() : undefined),
      },
    ],
  });
  const asker = { who: 'bench', until: Date.now() + 3_600_000 };
  const begunAt = performance.now();
  await inTurns(async (key) => {
    const ended = new Promise<void>((resolve) => ends.set(key, resolve));
    const place = { object: 'steps', key, handler: 'begin' };
    await callObject(places, place, { input: {}, asker }, { timeoutMs: 120_000 });
    await ended;
  });
  const seconds = (performance.now() - begunAt) / 1000;
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  const row = rowOf('Restate, the server', seconds, resident, diskOf(world.folder) - before);
  await world.end();
  return row;
}

async function here(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ap-'));
  const begunAt = performance.now();
  await inTurns((key) => {
    const save = (saved: unknown) => writeFileAtomic(join(folder, key), JSON.stringify(saved));
    const works = { work: async () => undefined };
    return runHere({ machine, input: {}, works, save, journal: async () => undefined }).ended;
  });
  const seconds = (performance.now() - begunAt) / 1000;
  const row = rowOf('here, this process', seconds, process.memoryUsage.rss() / 1024 ** 2, diskOf(folder));
  rmSync(folder, { recursive: true });
  return row;
}

async function inTurns(work: (key: string) => Promise<unknown>): Promise<void> {
  const keys = Array.from({ length: PODS }, (_, n) => `pod${n}`);
  const one = async () => {
    for (let key = keys.pop(); key; key = keys.pop()) await work(key);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

function rowOf(name: string, seconds: number, megabytes: number, bytes: number): string[] {
  const perSecond = Math.round((PODS * (STEPS + 1)) / seconds);
  return [name, String(perSecond), `${Math.round(megabytes)} MiB`, `${(bytes / PODS / 1024).toFixed(1)} KiB`];
}

/** Bytes that a folder takes; files end while it is looked through. */
function diskOf(folder: string): number {
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const file = statSync(join(folder, name), { throwIfNoEntry: false });
    return file?.isFile() ? file.blocks * 512 : 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}
