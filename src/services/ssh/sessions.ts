import { readFile } from 'node:fs/promises';

/**
 * How many sessions share a master through its control socket: shells, copies, editors, and our own; undefined
 * where the system does not tell. From /proc/net/unix (proc(5)): a connection taken by a listener has its path, and
 * state 03. ssh binds its socket with a suffix to the name.
 */
export async function sessionsThrough(control: string): Promise<number | undefined> {
  const table = await readFile('/proc/net/unix', 'utf8').catch(() => undefined);
  return table
    ?.split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , , , state, , path]) => state === '03' && path?.startsWith(control)).length;
}
