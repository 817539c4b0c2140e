import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { AutopodError } from '../../errors.ts';
import { diskFailure } from '../../services/comfyui/index.ts';

/**
 * Makes the folder of a file that is to come, one part after the other below `out`, and follows no link out of it. Throws
 * `outputFolderLeadsOut`, `outputFolderUnwritable`, `diskFull`.
 */
export async function makeFolder(out: string, path: string, umask?: number): Promise<void> {
  await permit(await makeOut(out), 0o777, umask);
  const inside = await realpath(out);
  const folders = relative(out, dirname(path)).split(sep).filter(Boolean);
  for (let depth = 1; depth <= folders.length; depth += 1) {
    const folder = join(out, ...folders.slice(0, depth));
    await permit(await makeOut(folder), 0o777, umask);
    const target = await realpath(folder);
    if (target === inside || !target.startsWith(withSeparator(inside))) {
      throw new AutopodError('outputFolderLeadsOut', { path: folder, out, target });
    }
  }
}

/**
 * Makes a folder with those above it, and gives the ones that were not there, the innermost last. Throws
 * `outputFolderUnwritable`, `diskFull`.
 */
export async function makeOut(folder: string): Promise<string[]> {
  try {
    return await made(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw diskFailure(code === 'EEXIST' ? Object.assign(new Error(), { code: 'ENOTDIR' }) : error, folder);
  }
}

/** Gives what is new the permissions that it would have if the user had made it, for the keeper's own files are private. */
export async function permit(paths: string[], mode: number, umask: number | undefined): Promise<void> {
  if (umask === undefined) return;
  // Some file systems know no permissions.
  for (const path of paths) await chmod(path, mode & ~umask).catch(() => undefined);
}

// Node's own recursive way never returns where no folder can be made though the one above is there: /proc, automounts.
async function made(folder: string): Promise<string[]> {
  // A file there, or a link to one, satisfies nobody.
  const there = await stat(folder).catch(unlessMissing);
  if (there?.isDirectory()) return [];
  if (there) throw Object.assign(new Error(), { code: 'ENOTDIR' });
  const above = dirname(folder) === folder ? [] : await made(dirname(folder));
  try {
    await mkdir(folder);
    return [...above, folder];
  } catch (error) {
    // Another job has made it meanwhile.
    if ((await stat(folder).catch(unlessMissing))?.isDirectory()) return above;
    throw error;
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function withSeparator(path: string): string {
  return path.endsWith(sep) ? path : `${path}${sep}`;
}
