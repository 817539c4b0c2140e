import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, openSync, rmSync } from 'node:fs';
import { readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { bootOf, ownIdentity, type ProcessIdentity, seenFromHere } from './process-identity.ts';

/**
 * Whether processes live that cannot be seen from here. Each process that claims something listens on a Unix socket in
 * the folder of locks, which all who share the home share too, whatever their pid namespace. The kernel drops the
 * listener with the process: a socket that refuses proves its end, without heartbeat or help of the process. Between
 * machines it proves nothing. See docs/decisions/0015-one-owner-across-boundaries.md.
 */
const SOCKET = /^alive-[0-9a-f]{12}\.sock$/;

/** Longest path of a Unix socket, in bytes: macOS has the shortest. */
const MAX_PATH = 103;

/** File systems that one kernel at a time mounts: ext4, xfs, btrfs, tmpfs, zfs, f2fs, bcachefs, overlay (statfs(2)). */
const OF_ONE_KERNEL = [
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x2fc12fc1, 0xf2f52010, 0xca451a4e, 0x794c7630,
];

const shown = new Map<string, Promise<ProcessIdentity>>();

/** This process's identity with the proof of its life in a folder of locks; without one where no socket can be made. */
export function presentIdentity(locks: string): Promise<ProcessIdentity> {
  const present = shown.get(locks) ?? show(locks);
  shown.set(locks, present);
  return present;
}

/** Whether a process lives: one that cannot be seen from here does until it is proven dead. */
export async function isAlive(identity: ProcessIdentity, locks: string): Promise<boolean> {
  const seen = seenFromHere(identity);
  if (seen !== 'unseen') return seen === 'running';
  const boot = bootOf(identity);
  const isSameBoot = boot !== undefined && boot === bootOf(ownIdentity());
  if (isSameBoot || (await isOfOneKernel(locks))) return !(await isRefused(identity, locks, isSameBoot));
  // The same machine after a reboot, or another one that may well live.
  return boot === undefined || identity.host !== ownIdentity().host;
}

/** Removes the sockets of processes that were killed. Only where refusal proves their end. */
export async function sweepPresence(locks: string): Promise<void> {
  if (!(await isOfOneKernel(locks))) return;
  const names = (await readdir(locks)).filter((name) => SOCKET.test(name));
  for (const name of names) {
    if ((await knock(locks, name)) === 'refused') await rm(join(locks, name), { force: true });
  }
}

async function show(locks: string): Promise<ProcessIdentity> {
  const { createServer } = await import('node:net');
  const proof = `alive-${randomBytes(6).toString('hex')}.sock`;
  const server = createServer((socket) => socket.destroy());
  const isListening = await withPath(locks, proof, (path) => {
    return new Promise<boolean>((resolve) => {
      server
        .once('error', () => resolve(false))
        .listen(path, () => {
          chmodSync(path, 0o600);
          resolve(true);
        });
    });
  });
  server.unref();
  if (!isListening) return ownIdentity();
  process.once('exit', () => rmSync(join(locks, proof), { force: true }));
  return { ...ownIdentity(), proof };
}

async function isRefused({ proof }: ProcessIdentity, locks: string, isSameBoot: boolean): Promise<boolean> {
  // Without a proof only another boot of the one kernel that has the file system tells.
  if (proof === undefined || !SOCKET.test(proof)) return !isSameBoot;
  return (await knock(locks, proof)) === 'refused';
}

async function knock(locks: string, name: string): Promise<'answered' | 'refused' | 'unknown'> {
  const { connect } = await import('node:net');
  return withPath(locks, name, (path) => {
    return new Promise((resolve) => {
      const socket = connect(path, () => resolve('answered'));
      socket.once('error', ({ code }: NodeJS.ErrnoException) =>
        resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'refused' : 'unknown'),
      );
      socket.once('connect', () => socket.destroy());
    });
  });
}

// A path too long for a socket is shortened by way of the open folder, where the system has that.
async function withPath<T>(locks: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(locks, name);
  if (Buffer.byteLength(path) <= MAX_PATH || process.platform !== 'linux') return use(path);
  const folder = openSync(locks, 'r');
  try {
    return await use(`/proc/self/fd/${folder}/${name}`);
  } finally {
    closeSync(folder);
  }
}

async function isOfOneKernel(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  return statfs(path).then(
    ({ type }) => OF_ONE_KERNEL.includes(type >>> 0),
    () => false,
  );
}
