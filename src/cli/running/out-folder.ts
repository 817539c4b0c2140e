import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AutopodError } from '../../errors.ts';

/** The absolute folder for what is made. Throws `outUnwritable` where it cannot be written or made; makes nothing. */
export async function writableOut(out: string): Promise<string> {
  const folder = resolve(out);
  for (let path = folder; ; path = dirname(path)) {
    const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && dirname(path) !== path) return undefined;
      throw new AutopodError('outUnwritable', { folder, reason: WHY_NOT[error.code ?? ''] ?? error.message });
    });
    if (!entry) continue;
    if (!entry.isDirectory())
      throw new AutopodError('outUnwritable', { folder, reason: `${path} is no folder.` });
    await access(path, constants.W_OK | constants.X_OK).catch(() => {
      throw new AutopodError('outUnwritable', { folder, reason: `You may not write into ${path}.` });
    });
    return folder;
  }
}

const WHY_NOT: Record<string, string> = {
  ENOTDIR: 'Something on the way to it is no folder.',
  EACCES: 'You may not look into a folder on the way to it.',
};
