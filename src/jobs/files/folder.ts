import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { diskFailure } from '../../services/comfyui/index.ts';

/**
 * Makes the folder of a file that is to come, one part after the other below `out`, and follows no link out of it. Throws
 * `outputFolderLeadsOut`, `outputFolderUnwritable`, `diskFull`.
 */
export async function makeFolder(out: string, path: string): Promise<void> {
  await made(out);
  const inside = await realpath(out);
  const folders = relative(out, dirname(path)).split(sep).filter(Boolean);
  for (let depth = 1; depth <= folders.length; depth += 1) {
    const folder = join(out, ...folders.slice(0, depth));
    await made(folder);
    const target = await realpath(folder);
    if (target === inside || !target.startsWith(withSeparator(inside))) {
      throw new AutopodError('outputFolderLeadsOut', { path: folder, out, target });
    }
  }
}

async function made(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    // A file there, or a link to one, satisfies nobody.
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw diskFailure(code === 'EEXIST' ? Object.assign(new Error(), { code: 'ENOTDIR' }) : error, folder);
  }
}

function withSeparator(path: string): string {
  return path.endsWith(sep) ? path : `${path}${sep}`;
}
