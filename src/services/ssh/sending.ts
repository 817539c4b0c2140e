import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * Whether a process has sent more than its peer has acknowledged so far, and the peer goes on acknowledging: then an
 * answer stands in line behind it. From /proc/PID/net/tcp (proc(5)): bytes in the send queue, the timer for a repeat
 * is set (01), and nothing had to be repeated yet. False where the system does not tell.
 */
export async function isSending(pid: number): Promise<boolean> {
  const [sockets, ...tables] = await Promise.all([
    socketsOf(pid),
    ...['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')),
  ]);
  return tables
    .flatMap((table) => table.split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .some(([, , , state, queues = '', timer = '', repeats, , , inode = '']) => {
      const hasQueue = Number.parseInt(queues, 16) > 0;
      return (
        state === '01' &&
        hasQueue &&
        timer.startsWith('01') &&
        Number(`0x${repeats}`) === 0 &&
        sockets.has(inode)
      );
    });
}

async function socketsOf(pid: number): Promise<Set<string>> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}
