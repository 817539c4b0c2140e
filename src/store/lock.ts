import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../errors.ts';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/**
 * A lock between processes. It is a folder of numbered claims; the highest number is the state of the lock.
 * A claim is made with link(2), so each number has one maker, and the highest claim is never removed, so
 * numbers only grow. That lets a dead holder be passed over without a moment in which two hold the lock.
 * See docs/decisions/0003-locks.md.
 */
export interface Lock {
  release(): Promise<void>;
}

interface Claim {
  holder: ProcessIdentity | null;
}

/** Takes the lock if nobody alive holds it. */
export async function tryLock(folder: string): Promise<Lock | undefined> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const top = await highestClaim(folder);
  if (top && (await holderOf(folder, top))) return undefined;
  const number = top + 1;
  if (!(await claim(folder, number))) return undefined;
  // A number below the highest may be free again: whoever took it has not got the lock.
  if ((await highestClaim(folder)) !== number) {
    await rm(join(folder, String(number)), { force: true });
    return undefined;
  }
  await removeClaimsBelow(folder, number);
  return { release: () => writeClaim(folder, number, { holder: null }) };
}

export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds to wait before `lockBusy`; without it the wait ends with the signal only. */
  timeoutMs?: number;
  /** Told once who holds it, when that lasts. */
  onBusy?: (holder: ProcessIdentity) => void;
}

/** Milliseconds after which a wait lasts: most are over sooner. */
const LASTS_MS = 1_000;

/** Waits for the lock. Throws `lockBusy` naming the holder's pid when it takes too long. */
export async function waitForLock(
  folder: string,
  { signal, timeoutMs, onBusy }: WaitOptions = {},
): Promise<Lock> {
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  const lastsFrom = performance.now() + LASTS_MS;
  let isTold = onBusy === undefined;
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    const lock = await tryLock(folder);
    if (lock) return lock;
    if (performance.now() > deadline) {
      const holder = await lockHolder(folder);
      throw new AutopodError('lockBusy', { lock: folder, pid: holder?.pid });
    }
    const holder = isTold || performance.now() < lastsFrom ? undefined : await lockHolder(folder);
    if (holder) onBusy?.(holder);
    isTold ||= holder !== undefined;
    await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal });
  }
}

export async function withLock<T>(folder: string, options: WaitOptions, work: () => Promise<T>): Promise<T> {
  const lock = await waitForLock(folder, options);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** The running process that holds the lock, if one does. */
export async function lockHolder(folder: string): Promise<ProcessIdentity | undefined> {
  const top = await highestClaim(folder);
  return top ? holderOf(folder, top) : undefined;
}

async function highestClaim(folder: string): Promise<number> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return Math.max(0, ...names.filter((name) => /^\d+$/.test(name)).map(Number));
}

async function holderOf(folder: string, number: number): Promise<ProcessIdentity | undefined> {
  const text = await readFile(join(folder, String(number)), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"holder":null}'; // a higher claim has just replaced it
    throw error;
  });
  const holder = parseClaim(text)?.holder;
  return holder && isRunning(holder) ? holder : undefined;
}

function parseClaim(text: string): Claim | undefined {
  try {
    return JSON.parse(text) as Claim;
  } catch {
    return undefined; // cut off by a power loss: its maker is not running any more
  }
}

async function claim(folder: string, number: number): Promise<boolean> {
  const path = join(folder, String(number));
  const draft = await writeDraft(folder, { holder: ownIdentity() });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeClaim(folder: string, number: number, value: Claim): Promise<void> {
  await rename(await writeDraft(folder, value), join(folder, String(number)));
}

async function writeDraft(folder: string, value: Claim): Promise<string> {
  const draft = `${folder}.${process.pid}-${randomBytes(4).toString('hex')}.draft`;
  await mkdir(dirname(draft), { recursive: true, mode: 0o700 });
  await writeFile(draft, JSON.stringify(value), { mode: 0o600 });
  return draft;
}

async function removeClaimsBelow(folder: string, number: number): Promise<void> {
  const names = await readdir(folder);
  const lower = names.filter((name) => /^\d+$/.test(name) && Number(name) < number);
  await Promise.all(lower.map((name) => rm(join(folder, name), { force: true })));
}
