import { readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { AutopodError } from '../errors.ts';
import { writeFileAtomic } from '../store/atomic-file.ts';
import { aboutHolder, type Lock, lockHolder, tryLock, waitForLock } from '../store/lock.ts';
import { isAlive, presentIdentity } from '../store/presence.ts';
import type { ProcessIdentity } from '../store/process-identity.ts';
import { LAYOUT } from './engine/worker.ts';
import type { FleetHome } from './home.ts';
import { lastServing } from './serving.ts';
import { serveLock } from './standing.ts';

const LOOK_MS = 200;
/** Milliseconds in which whoever serves hands over. */
const HANDOVER_MS = 60_000;

const shape = z.object({
  version: z.string(),
  process: z.looseObject({ pid: z.number().int(), startedAt: z.string() }),
});

export interface TakeOver {
  /** Of autopod, which is to serve. */
  version: string;
  signal: AbortSignal;
  /** Told which version serves now, and is asked to hand over. */
  onAsked: (version: string) => void;
}

/** The turn to serve a home. */
export interface Turn {
  lock: Lock;
  /** Another version has just served, and has left Restate's server running. */
  isHandedOver: boolean;
}

/**
 * Takes the turn to serve: at once where nobody does, and from another version, which is asked for it. One at a time
 * serves. Throws `lockBusy` where the same version does, and `stateNewer` where a later one has kept what this one cannot
 * read.
 */
export async function takeTurn(home: FleetHome, { version, signal, onAsked }: TakeOver): Promise<Turn> {
  const last = await lastServing(home);
  if (last && last.layout > LAYOUT) throw new AutopodError('stateNewer', { file: home.serving });
  const free = await tryLock(serveLock(home));
  if (free) return { lock: free, isHandedOver: false };
  const holder = await lockHolder(serveLock(home));
  const isAnother = last && holder?.pid === last.pid && last.version !== version;
  if (!isAnother) throw await alreadyServed(home);
  onAsked(last.version);
  const asking = { version, process: await presentIdentity(home.locks) };
  await writeFileAtomic(home.handover, `${JSON.stringify(asking)}\n`);
  try {
    return {
      lock: await waitForLock(serveLock(home), { signal, timeoutMs: HANDOVER_MS }),
      isHandedOver: true,
    };
  } finally {
    await rm(home.handover, { force: true });
  }
}

/** Resolves with the version that asks to take over; undefined at the signal. */
export async function untilAskedFor(home: FleetHome, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    const asking = await whoAsks(home);
    if (asking !== undefined) return asking;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** The version that asks to take over; one that has died since does not. */
export async function whoAsks({ handover, locks }: FleetHome): Promise<string | undefined> {
  const text = await readFile(handover, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { version, process: asker } = shape.parse(JSON.parse(text));
    return (await isAlive(asker as ProcessIdentity, locks)) ? version : undefined;
  } catch {
    return undefined;
  }
}

export async function alreadyServed(home: FleetHome): Promise<AutopodError> {
  const holder = await lockHolder(serveLock(home));
  return new AutopodError('lockBusy', { lock: serveLock(home), ...(holder && aboutHolder(holder)) });
}
