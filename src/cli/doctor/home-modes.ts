import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Files and folders of a home, itself included, that other users may read or write; public keys may be read. */
export async function openToOthers(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true }).catch(() => []);
  const paths = [root, ...names.filter((name) => !name.endsWith('.pub')).map((name) => join(root, name))];
  const open = await Promise.all(
    paths.map((path) =>
      lstat(path).then(
        (found) => !found.isSymbolicLink() && (found.mode & 0o077) !== 0,
        () => false, // it has gone meanwhile
      ),
    ),
  );
  return paths.filter((_, index) => open[index]);
}
