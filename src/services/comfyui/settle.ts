import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { diskFailure } from './disk-failure.ts';

/**
 * Gives a whole file its name without ever taking another's: the first of `x.png`, `x-2.png`, `x-3.png`, … that is free,
 * or that has the same content already. The path it has in the end.
 */
export async function settle(partPath: string, toPath: string, sha256: string): Promise<string> {
  const { size } = await stat(partPath).catch((error: unknown) => {
    throw diskFailure(error, partPath);
  });
  for (let n = 1; ; n += 1) {
    const path = n === 1 ? toPath : numbered(toPath, n);
    if (await claim(partPath, path)) {
      await syncFolder(dirname(path));
      return path;
    }
    if (await isFile(path, size, sha256)) {
      await rm(partPath, { force: true });
      return path;
    }
  }
}

/** Whether there is a file of this size and content. */
export async function isFile(path: string, bytes: number, sha256: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  return there?.isFile() === true && there.size === bytes && (await sha256Of(path)) === sha256;
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function numbered(path: string, n: number): string {
  const ext = extname(path);
  return `${path.slice(0, path.length - ext.length)}-${n}${ext}`;
}

/** Moves the file there unless something is there. */
async function claim(partPath: string, path: string): Promise<boolean> {
  try {
    await link(partPath, path);
    await rm(partPath);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!WITHOUT_LINKS.includes(code)) throw diskFailure(error, path);
  }
  try {
    await (await open(path, 'wx')).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw diskFailure(error, path);
  }
  await rename(partPath, path);
  return true;
}

/** What file systems without hard links say: exFAT, many of the network. */
const WITHOUT_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'EACCES'];

async function syncFolder(path: string): Promise<void> {
  // Windows and some network file systems do not let a folder be opened.
  const folder = await open(path, 'r').catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
