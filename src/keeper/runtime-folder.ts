import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../store/home.ts';
import { userId } from '../user.ts';

/** Longest folder that leaves room for a socket's name: ssh takes paths of about 90 bytes. */
const MAX_LENGTH = 55;

/** Letters that mean nothing to ssh, wherever they stand: a colon would end the socket's name in a forward. */
const PLAIN = /^[\w./+@-]*$/;

/**
 * The folder of a home's Unix sockets: in the home, or where its path is too long or too odd, or its file system makes
 * no sockets, a short one of this user alone.
 */
export function runtimeFolder(home: Home): string {
  const inHome = folderInHome(home);
  const isFit = Buffer.byteLength(inHome) <= MAX_LENGTH && PLAIN.test(inHome);
  if (isFit && !existsSync(home.noSockets)) return inHome;
  // Loaded here only: it would cost each status more than all else it does.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(home.root).digest('hex').slice(0, 10);
  // Not by TMPDIR or XDG_RUNTIME_DIR: cron and sudo have others, and shall find the same keeper.
  return join('/tmp', `autopod-${userId()}-${hash}`);
}

export function folderInHome({ root }: Home): string {
  return join(root, 'run');
}

/** The socket the keeper answers at. */
export function keeperSocket(home: Home): string {
  return join(runtimeFolder(home), 'keeper.sock');
}
