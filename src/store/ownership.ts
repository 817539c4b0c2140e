import { accessSync, constants, lstatSync, readdirSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { AutopodError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { userId } from '../user.ts';

/** Folders of a home in which a command run as another user leaves files. */
const FOLDERS = ['.', 'locks', 'run', 'logs', 'known_hosts'];

/**
 * Throws `homeNotOwned` when a file of the home belongs to another user and is closed to us, as after a command run with
 * sudo: each lock under it would be waited for in vain. The superuser may read and write them all.
 */
export function requireOwnHome(root: string): void {
  const uid = userId();
  if (uid <= 0) return;
  const files = [root, ...FOLDERS.flatMap((folder) => filesIn(join(root, folder)))];
  const claims = filesIn(join(root, 'locks')).flatMap(filesIn);
  for (const file of [...files, ...claims]) {
    const owner = ownerOf(file, file === root);
    if (owner !== undefined && owner !== uid && !isOpen(file)) throw notOwned(root, file, owner, uid);
  }
}

// A link to what somebody else keeps is the user's own doing; the home itself may be one.
function ownerOf(file: string, isFollowed: boolean): number | undefined {
  try {
    return (isFollowed ? statSync(file) : lstatSync(file)).uid;
  } catch {
    return undefined; // there is none, or what is above it is closed: whoever opens it tells
  }
}

function isOpen(file: string): boolean {
  try {
    // Settings may be mounted read-only.
    accessSync(file, file.endsWith('config.json') ? constants.R_OK : constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function notOwned(root: string, file: string, owner: number, uid: number): AutopodError {
  return new AutopodError('homeNotOwned', {
    file,
    owner: owner === 0 ? 'root' : `the user id ${owner}`,
    user: nameOf(uid),
    command: `sudo chown -R ${uid}:${process.getgid?.() ?? uid} ${shellWord(root)}`,
  });
}

function nameOf(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return `the user id ${uid}`;
  }
}

// What cannot be listed is told by its own owner, or by who needs it.
function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
