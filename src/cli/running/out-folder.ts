import { access, constants, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { makeOut } from '../../jobs/files/index.ts';

/** The absolute folder for what is made. Throws `outUnwritable` where it cannot be written or made; leaves nothing there. */
export async function writableOut(out: string): Promise<string> {
  const folder = resolve(out);
  const nearest = await nearestThere(folder);
  await access(nearest, constants.W_OK | constants.X_OK).catch(() => {
    throw new AutopodError('outUnwritable', { folder, reason: `You may not write into ${nearest}.` });
  });
  if (nearest === folder) return folder;
  // Some folders take no others, whoever asks.
  const made = await makeOut(folder).catch(() => {
    throw new AutopodError('outUnwritable', { folder, reason: `No folder can be made in ${nearest}.` });
  });
  for (const each of made.toReversed()) await rmdir(each).catch(() => undefined);
  return folder;
}

/** The folder itself, or the innermost above it that is there. */
async function nearestThere(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && dirname(path) !== path) return undefined;
      throw new AutopodError('outUnwritable', { folder, reason: WHY_NOT[error.code ?? ''] ?? error.message });
    });
    if (!entry) continue;
    if (entry.isDirectory()) return path;
    throw new AutopodError('outUnwritable', { folder, reason: `${path} is no folder.` });
  }
}

const WHY_NOT: Record<string, string> = {
  ENOTDIR: 'Something on the way to it is no folder.',
  EACCES: 'You may not look into a folder on the way to it.',
};
