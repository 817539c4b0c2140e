import { setTimeout as sleep } from 'node:timers/promises';
import { type Lock, tryLock } from '../store/lock.ts';
import type { Places } from './engine/ask.ts';
import { deployments, moveCalls, resumePaused, unregister } from './engine/deployments.ts';
import { LAYOUT, type Worker } from './engine/worker.ts';
import { whoAsks } from './handover.ts';
import type { FleetHome } from './home.ts';
import { lastServing } from './serving.ts';
import { serveLock } from './standing.ts';
import { forgetWorker, knownWorkers } from './workers.ts';

const LOOK_MS = 500;
const PAUSED_LOOK_MS = 10_000;
/** Looks at which nothing was under way: what is begun at a worker shows a moment later. */
const IDLE_LOOKS = 4;

interface Leaving {
  home: FleetHome;
  places: Places;
  worker: Pick<Worker, 'uri' | 'objects'>;
  signal: AbortSignal;
}

/**
 * Ends what is under way at this worker while another one serves. Resolves when nothing is left; with the turn to serve
 * where whoever has asked for it has died before it served.
 */
export async function untilLeft({ home, places, worker, signal }: Leaving): Promise<Lock | undefined> {
  let idleLooks = 0;
  while (!signal.aborted && idleLooks < IDLE_LOOKS) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    if ((await lastServing(home))?.pid === process.pid) {
      // Who asks is about to take it.
      const lock = (await whoAsks(home)) === undefined ? await tryLock(serveLock(home)) : undefined;
      if (lock) return lock;
      continue;
    }
    const known = await deployments(places).catch(() => undefined);
    const own = known?.find(({ uri }) => uri === worker.uri);
    // One that the engine has forgotten is called no more.
    const isIdle = known !== undefined && (own?.calls ?? 0) === 0;
    idleLooks = isIdle ? idleLooks + 1 : 0;
  }
  return undefined;
}

/**
 * Looks after workers that were here before, until the signal: what was begun at one that is dead goes on here, and the
 * engine forgets those that have nothing left.
 */
export async function followWorkers({
  home,
  places,
  worker,
  signal,
  log,
  onGone,
}: Leaving & { log: (line: string) => void; onGone: () => Promise<void> }): Promise<void> {
  const told = new Set<string>();
  while (!signal.aborted) {
    const tell = (line: string) => {
      if (!told.has(line)) log(line);
      told.add(line);
    };
    try {
      if ((await look(home, places, worker, tell)) > 0) await onGone();
    } catch (error) {
      tell(`workers that were here before: ${(error as Error).message}`);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Has go on what a cluster pauses after some tries, until the signal. */
export async function keepGoing({
  places,
  worker,
  signal,
  log,
}: Omit<Leaving, 'home'> & { log: (line: string) => void }): Promise<void> {
  while (!signal.aborted) {
    await sleep(PAUSED_LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const count = await resumePaused(places, worker.objects, worker.uri).catch(() => 0);
    if (count > 0) log(`Restate has paused ${count} calls, which are told to go on`);
  }
}

/** How many of them are no more. */
async function look(
  home: FleetHome,
  places: Places,
  { uri: own }: Pick<Worker, 'uri'>,
  tell: (line: string) => void,
): Promise<number> {
  const others = (await knownWorkers(home)).filter(({ uri, isAlive }) => uri !== own && !isAlive);
  if (others.length === 0) return 0;
  let gone = 0;
  const known = await deployments(places);
  for (const { uri, layout, version } of others) {
    const there = known.find((one) => one.uri === uri);
    if (there && there.calls > 0) {
      if (layout === LAYOUT) await moveCalls(places, there.id);
      else
        tell(`${there.calls} calls of autopod ${version} wait for it: this version cannot go on with them`);
      continue;
    }
    if (there) await unregister(places, there.id);
    await forgetWorker(home, uri);
    gone += 1;
  }
  return gone;
}
