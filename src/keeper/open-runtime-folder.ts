import { once } from 'node:events';
import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AutopodError } from '../errors.ts';
import type { Home } from '../store/home.ts';
import { userId } from '../user.ts';
import { folderInHome, runtimeFolder } from './runtime-folder.ts';

/** Makes the folder of the Unix sockets. Throws `keeperUnreachable` when somebody else owns it. */
export async function openRuntimeFolder(home: Home): Promise<string> {
  const folder = runtimeFolder(home);
  makeFolder(folder);
  if (folder === folderInHome(home) && !(await takesSockets(folder))) {
    writeFileSync(home.noSockets, 'Its file system makes no Unix sockets: they are in /tmp.\n');
    return openRuntimeFolder(home);
  }
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

/** What bind(2) says where a file cannot be a socket: some network file systems, those of phones and of Windows. */
const NO_SOCKETS = ['EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

async function takesSockets(folder: string): Promise<boolean> {
  const probe = createServer().listen(join(folder, `probe-${process.pid}`));
  try {
    await once(probe, 'listening');
    return true;
  } catch (error) {
    if (NO_SOCKETS.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    probe.close();
  }
}
