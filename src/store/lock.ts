import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError, type FailureDetail } from '../errors.ts';
import { isAlive, presentIdentity } from './presence.ts';
import { isSuspended, ownIdentity, type ProcessIdentity, seenFromHere } from './process-identity.ts';

/**
 * A lock between processes. It is a folder of numbered claims; the highest number is the state of the lock.
 * A claim is made with link(2), so each number has one maker, and the highest claim is never removed, so
 * numbers only grow. That lets a dead holder be passed over without a moment in which two hold the lock.
 * See docs/decisions/0003-locks.md and 0015-one-owner-across-boundaries.md.
 */
export interface Lock {
  /** Counts up: who took it next after us, without anybody between, has the next one. */
  readonly number: number;
  /** Whether another process has passed over us, as it may while we do not move. */
  isTaken(): Promise<boolean>;
  release(): Promise<void>;
}

/** The process that holds a lock, as its claim names it. */
export interface Holder extends ProcessIdentity {
  /** What it was started as, such as `up`. */
  command?: string | undefined;
  /** ISO 8601, UTC. */
  since?: string | undefined;
}

interface Claim {
  holder: Holder | null;
  /** Tells this claim from one of the same number, should somebody clear the folder by hand. */
  nonce?: string;
}

export interface TakeOptions {
  /** Whether a holder that lives is passed over. It must look with `isTaken` before all it does. */
  passesOver?: ((holder: Holder) => boolean) | undefined;
}

/** Takes the lock if nobody alive holds it. */
export async function tryLock(folder: string, { passesOver }: TakeOptions = {}): Promise<Lock | undefined> {
  await makeFolder(folder);
  const top = await highestClaim(folder);
  const { holder, nonce: topNonce } = await readClaim(folder, top);
  const isLeftBehind = topNonce !== undefined && unreleased.has(topNonce);
  const isFree = !holder || isLeftBehind || passesOver?.(holder);
  if (!isFree && (await isAlive(holder, dirname(folder)))) return undefined;
  const number = top + 1;
  const nonce = randomBytes(8).toString('hex');
  if (!(await claim(folder, number, nonce))) return undefined;
  // A number below the highest may be free again: whoever took it has not got the lock.
  if ((await highestClaim(folder)) !== number) {
    await rm(join(folder, String(number)), { force: true });
    return undefined;
  }
  await removeClaimsBelow(folder, number);
  const isTaken = () => isClaimTaken(folder, number, nonce);
  return {
    number,
    isTaken,
    release: () => release(folder, number, nonce),
  };
}

/** Claims that this process has given up and could not say so, the home being away. */
const unreleased = new Set<string>();
const RELEASE_AGAIN_MS = 300;
const RELEASE_TRIES = 2_000;

// What was done under the lock is done: a release that cannot be written is written later.
async function release(folder: string, number: number, nonce: string, tries = RELEASE_TRIES): Promise<void> {
  try {
    if (!(await isClaimTaken(folder, number, nonce))) await writeClaim(folder, number, { holder: null });
    unreleased.delete(nonce);
  } catch {
    unreleased.add(nonce);
    if (tries > 0) setTimeout(() => void release(folder, number, nonce, tries - 1), RELEASE_AGAIN_MS).unref();
  }
}

export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds to wait before `lockBusy`; without it the wait ends with the signal only. */
  timeoutMs?: number;
  /** Milliseconds after which a holder that is suspended all the while is passed over; without it none is. */
  suspendedMs?: number;
  /** Told once who holds it, when that lasts. */
  onBusy?: (holder: FailureDetail) => void;
}

/** Milliseconds that are no more than a moment. */
const MOMENT_MS = 2_000;

/** Waits for the lock. Throws `lockBusy` naming the holder when it takes too long. */
export async function waitForLock(folder: string, options: WaitOptions = {}): Promise<Lock> {
  const { signal, timeoutMs = Number.POSITIVE_INFINITY, suspendedMs, onBusy } = options;
  const begunAt = performance.now();
  let isTold = onBusy === undefined;
  let movedAt = begunAt;
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    const isStuck = suspendedMs !== undefined && performance.now() - movedAt > suspendedMs;
    const lock = await tryLock(folder, isStuck ? { passesOver: isSuspended } : {});
    if (lock) return lock;
    const waitedMs = performance.now() - begunAt;
    if (waitedMs > timeoutMs) throw new AutopodError('lockBusy', await describeHolder(folder));
    if (suspendedMs !== undefined && waitedMs > MOMENT_MS) {
      const holder = await lockHolder(folder);
      if (!holder || !isSuspended(holder)) movedAt = performance.now();
    }
    if (!isTold && waitedMs > MOMENT_MS) {
      isTold = true;
      onBusy?.(await describeHolder(folder));
    }
    await sleep(pauseMs * (0.5 + Math.random()), undefined, { signal });
  }
}

/** What a user is told of a lock's holder: what it is, where, since when, and the file that claims the lock. */
async function describeHolder(folder: string): Promise<FailureDetail> {
  const top = await highestClaim(folder);
  const { holder } = await readClaim(folder, top);
  return { lock: folder, ...(holder && aboutHolder(holder)), file: join(folder, String(top)) };
}

/** The same without its file. `host` only of one that cannot be seen from here. */
export function aboutHolder(holder: Holder): FailureDetail {
  const { pid, command, since, host } = holder;
  const isUnseen = seenFromHere(holder) === 'unseen';
  const isElsewhere = isUnseen && host !== ownIdentity().host;
  return {
    pid,
    command,
    since,
    ...(isUnseen && { isUnseen }),
    ...(isElsewhere && { host }),
    ...(isSuspended(holder) && { isSuspended: true }),
  };
}

export async function withLock<T>(
  folder: string,
  options: WaitOptions,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const lock = await waitForLock(folder, options);
  try {
    return await work(lock);
  } finally {
    await lock.release();
  }
}

/** The process that holds the lock, if one does that lives, or is not proven dead. */
export async function lockHolder(folder: string): Promise<Holder | undefined> {
  const { holder } = await readClaim(folder, await highestClaim(folder));
  return holder && (await isAlive(holder, dirname(folder))) ? holder : undefined;
}

/** The number of who holds the lock, or held it last; 0 where nobody has. */
export function lastTaken(folder: string): Promise<number> {
  return highestClaim(folder);
}

// A home that is away, as when it is not mounted, is not made again.
async function makeFolder(folder: string): Promise<void> {
  for (const path of [dirname(folder), folder]) {
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function highestClaim(folder: string): Promise<number> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return Math.max(0, ...names.filter((name) => /^\d+$/.test(name)).map(Number));
}

async function readClaim(folder: string, number: number): Promise<Claim> {
  const text = await readFile(join(folder, String(number)), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"holder":null}'; // there is none, or a higher one has just replaced it
    throw error;
  });
  try {
    return JSON.parse(text) as Claim;
  } catch {
    return { holder: null }; // cut off by a power loss: its maker is not running any more
  }
}

// A folder that is away, or was cleared, is taken by nobody.
async function isClaimTaken(folder: string, number: number, nonce: string): Promise<boolean> {
  try {
    const top = await highestClaim(folder);
    return top > number || (top === number && (await readClaim(folder, top)).nonce !== nonce);
  } catch {
    return false;
  }
}

/** What link(2) says where files cannot have two names: FAT, some network and phone file systems, two mounts. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV'];

async function claim(folder: string, number: number, nonce: string): Promise<boolean> {
  const path = join(folder, String(number));
  const holder = { ...(await presentIdentity(dirname(folder))), ...ownCommand() };
  const draft = await writeDraft(folder, { holder, nonce });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.includes(code)) throw error;
    throw new AutopodError('stateUnreadable', {
      file: dirname(folder),
      reason: 'Its file system makes no hard links, which locks are made of.',
      next: 'Set AUTOPOD_HOME to a folder on a file system of this machine.',
    });
  } finally {
    await rm(draft, { force: true });
  }
}

// A verb, or nothing: arguments may be anything.
function ownCommand(): Pick<Holder, 'command' | 'since'> {
  const isKeeper = process.argv[1]?.endsWith('keeper.js') === true;
  const verb = isKeeper ? 'keeper' : process.argv[2];
  const command = verb && /^[a-z]+(-[a-z]+)*$/.test(verb) ? verb : undefined;
  return { command, since: new Date().toISOString() };
}

async function writeClaim(folder: string, number: number, value: Claim): Promise<void> {
  await rename(await writeDraft(folder, value), join(folder, String(number)));
}

async function writeDraft(folder: string, value: Claim): Promise<string> {
  const draft = `${folder}.${process.pid}-${randomBytes(4).toString('hex')}.draft`;
  await writeFile(draft, JSON.stringify(value), { mode: 0o600 });
  return draft;
}

async function removeClaimsBelow(folder: string, number: number): Promise<void> {
  const names = await readdir(folder);
  const lower = names.filter((name) => /^\d+$/.test(name) && Number(name) < number);
  await Promise.all(lower.map((name) => rm(join(folder, name), { force: true })));
}
