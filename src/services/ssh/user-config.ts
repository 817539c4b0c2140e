import { mkdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { userHome } from '../../user.ts';

export function userConfigPath(env: NodeJS.ProcessEnv): string {
  return join(userHome(env), '.ssh', 'config');
}

/** The line by which a user's ssh configuration takes in ours. It must stand before the first Host block. */
export function includeLine(ours: string): string {
  // The name is a pattern: what stands for other names is escaped for that, and for the quotes once more.
  const pattern = ours.replaceAll(/[*?[\]\\]/g, '\\$&');
  return `Include "${pattern.replaceAll(/["\\]/g, '\\$&')}"`;
}

/**
 * The user's configuration with our line at its top, or without it; undefined when it is so already. Reads only;
 * `path` is where to write, behind a symbolic link if it is one.
 */
export async function withInclude(
  userConfig: string,
  ours: string,
  isWanted: boolean,
): Promise<{ path: string; text: string } | undefined> {
  await mkdir(dirname(userConfig), { recursive: true, mode: 0o700 });
  const path = await realpath(userConfig).catch(() => userConfig);
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const line = includeLine(ours);
  const others = before.split('\n').filter((one) => one.trim() !== line);
  const isThere = others.length < before.split('\n').length;
  if (isThere === isWanted) return undefined;
  return { path, text: isWanted ? `${line}\n${before}` : others.join('\n') };
}
