import { existsSync, openSync } from 'node:fs';
import { basename } from 'node:path';

let folder: number | undefined;

/** Keeps hold of the folder of sockets, so that they are reached also while its path leads nowhere: the home is away. */
export function holdFolder(runtime: string): void {
  if (process.platform === 'linux') folder = openSync(runtime, 'r');
}

/** Where the socket of this path is reached now. */
export function wayTo(path: string): string {
  return folder === undefined || existsSync(path) ? path : `/proc/self/fd/${folder}/${basename(path)}`;
}
