import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type AnyStateMachine, fromPromise, setup } from 'xstate';
import { callObject } from '../src/fleet/engine/ask.ts';
import { startWorker } from '../src/fleet/engine/worker.ts';
import { runHere } from '../src/host/local.ts';
import { type PodRecordFacts, podRecord, unbegunFacts } from '../src/lifecycle/pod-records.ts';
import type { PodWish } from '../src/machines/pod-types.ts';
import { type Home, openHome } from '../src/store/home.ts';
import { Journal } from '../src/store/journal.ts';
import { RecordStore } from '../src/store/records.ts';
import { startTestServer } from '../test/fleet/support/engine.ts';
import { WISH } from '../test/fleet/support/fleet.ts';
import { diskOf, type Quarter, Quarters } from './measure.ts';
import { markdown, say } from './report.ts';

/**
 * `npm run bench:fleet [-- --pods 1000]`: so many machines take ten steps each and stay, on the engine of a fleet and on
 * this machine's own host, quarter by quarter. Both keep a record of each step with those of all other pods, and a line
 * of the journal, as the machines of pods do.
 */
const { values } = parseArgs({
  options: { pods: { type: 'string', default: '1000' }, here: { type: 'boolean', default: false } },
});
const PODS = Number(values.pods);
const STEPS = 10;
const AT_ONCE = 50;

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
const works = { work: { run: async () => undefined } };

if (values.here) await here();
else {
  const fleet = await onEngine();
  const script = fork(import.meta.filename, ['--here', '--pods', values.pods], {
    execArgv: ['--import', 'tsx'],
  });
  const [local] = (await once(script, 'message')) as [Quarter[]];
  say(table('Restate, the server', fleet));
  say(table('the local host', local));
  say(
    `A step on the engine takes ${(secondsOf(fleet) / secondsOf(local)).toFixed(2)} × one on the local host.`,
  );
}
process.exit();

async function onEngine(): Promise<Quarter[]> {
  const world = await startTestServer();
  const data = join(world.folder, 'r', 'data');
  const before = diskOf(data);
  const quarters = new Quarters(PODS * (STEPS + 1), { worker: process.pid, Restate: world.server.pid });
  const keep = keeping(openHome(join(world.folder, 'home')), quarters, () => diskOf(data) - before);
  // Asking each of them how it stands would be most of the work.
  const ends = new Map<string, () => void>();
  await startWorker({
    places: world.server.places,
    port: 0,
    identityKeys: world.identityKeys,
    durables: [
      {
        name: 'steps',
        machine,
        works,
        keep: async (key, { saved, event, from, to, isFinal }) => {
          await keep(key, saved.value, { event, from: from ?? 'saved', to });
          if (isFinal) ends.get(key)?.();
        },
      },
    ],
  });
  const asker = { who: 'bench', until: Date.now() + 3_600_000 };
  await inTurns(async (key) => {
    const ended = new Promise<void>((resolve) => ends.set(key, resolve));
    const place = { object: 'steps', key, handler: 'begin' };
    await callObject(world.server.places, place, { input: {}, asker }, { timeoutMs: 120_000 });
    await ended;
  });
  await world.end();
  return quarters.rows;
}

async function here(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'ap-'));
  const quarters = new Quarters(PODS * (STEPS + 1), { host: process.pid });
  const keep = keeping(openHome(root), quarters, () => 0);
  await inTurns((key) => {
    let from = 'saved';
    const save = async (saved: { value: unknown }) => {
      const to = String(saved.value);
      await keep(key, saved.value, { event: 'bench', from, to });
      from = to;
    };
    const journal = async () => undefined;
    return runHere({ machine, input: {}, works: { work: async () => undefined }, save, journal }).ended;
  });
  process.send?.(quarters.rows);
  rmSync(root, { recursive: true });
}

/** Keeps records and a journal, as the machine of a pod has them; each is a step. */
function keeping(home: Home, quarters: Quarters, engineBytes: () => number) {
  const store = new RecordStore<PodRecordFacts>({ path: home.pods, locks: home.locks });
  const journal = new Journal(home.journal);
  const access = { keepTunnel: false, localPort: 'auto' } as const;
  let steps = 0;
  return async (key: string, value: unknown, how: { event: string; from: string; to: string }) => {
    const facts = { ...unbegunFacts(key, WISH as PodWish, access), asked: null };
    await store.update(key, () => podRecord(facts, value as never));
    await journal.append({ at: new Date().toISOString(), machine: 'pod@1', id: key, ...how });
    steps += 1;
    await quarters.note(steps, async () => {
      const pods = Object.keys(await store.all()).length;
      return { engine: engineBytes() / 1024 / pods, home: diskOf(home.root) / 1024 / pods };
    });
  };
}

async function inTurns(work: (key: string) => Promise<unknown>): Promise<void> {
  const keys = Array.from({ length: PODS }, (_, n) => `pod${n}`);
  const one = async () => {
    for (let key = keys.pop(); key; key = keys.pop()) await work(key);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

function secondsOf(rows: Quarter[]): number {
  return rows.reduce((sum, { seconds }) => sum + seconds, 0);
}

function table(name: string, rows: Quarter[]): string {
  const rate = ({ count, seconds }: Quarter) => count / seconds;
  const processes = Object.keys(rows[0]?.cpu ?? {});
  return markdown(
    [
      `${name}: quarter`,
      'steps a second',
      ': first',
      ...processes.flatMap((one) => [`${one}, cpu a step`, `${one}, resident`]),
      'engine’s disk a pod',
      'home’s disk a pod',
    ],
    rows.map((row, n) => [
      String(n + 1),
      rate(row).toFixed(0),
      `${(rate(row) / (rows[0] ? rate(rows[0]) : 1)).toFixed(2)} ×`,
      ...processes.flatMap((one) => [
        `${(((row.cpu[one] ?? 0) / row.count) * 1_000).toFixed(2)} ms`,
        `${Math.round(row.resident[one] ?? 0)} MiB`,
      ]),
      `${(row.more.engine ?? 0).toFixed(1)} KiB`,
      `${(row.more.home ?? 0).toFixed(1)} KiB`,
    ]),
  );
}
