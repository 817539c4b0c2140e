import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces a file so that a crash or power loss leaves either the old or the whole new text. Mode 0600. What `check`,
 * called in the last moment with the file that is to be, throws leaves the old one as it is.
 */
export async function writeFileAtomic(
  path: string,
  text: string,
  check?: (written: BigIntStats) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    const written = await writeSynced(draft, text);
    await check?.(written);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Writes a file that is on disk when it resolves, and its name once `syncFolder` has. */
export async function writeSynced(path: string, text: string): Promise<BigIntStats> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
    return await file.stat({ bigint: true });
  } finally {
    await file.close();
  }
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
