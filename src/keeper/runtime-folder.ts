import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AutopodError } from '../errors.ts';
import type { Home } from '../store/home.ts';
import { userId } from '../user.ts';

/** Longest folder that leaves room for a socket's name: ssh takes paths of about 90 bytes. */
const MAX_LENGTH = 55;

/** Letters that mean nothing to ssh, wherever they stand: a colon would end the socket's name in a forward. */
const PLAIN = /^[\w./+@-]*$/;

/** The folder of a home's Unix sockets: in the home, or where its path is too long or too odd a short one of this user alone. */
export function runtimeFolder({ root }: Home): string {
  const inHome = join(root, 'run');
  if (Buffer.byteLength(inHome) <= MAX_LENGTH && PLAIN.test(inHome)) return inHome;
  // Loaded here only: it would cost each status more than all else it does.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 10);
  // Not by TMPDIR or XDG_RUNTIME_DIR: cron and sudo have others, and shall find the same keeper.
  return join('/tmp', `autopod-${userId()}-${hash}`);
}

/** Makes the folder. Throws `keeperUnreachable` when somebody else owns it. */
export function openRuntimeFolder(home: Home): string {
  const folder = runtimeFolder(home);
  makeFolder(folder);
  const { uid, mode } = lstatSync(folder);
  if (uid !== userId() || (mode & 0o077) !== 0) {
    throw new AutopodError('keeperUnreachable', { detail: `${folder} is open to other users` });
  }
  return folder;
}

// Not what is above it: a home that is away is not made again.
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** The socket the keeper answers at. */
export function keeperSocket(home: Home): string {
  return join(runtimeFolder(home), 'keeper.sock');
}
