import { readdir, readFile, readlink } from 'node:fs/promises';

/** Bytes on their way: none, some that the peer goes on acknowledging, or some that had to be repeated. */
export type SendState = 'none' | 'acknowledged' | 'repeated';

/**
 * What becomes of the bytes a process has sent. While the peer goes on acknowledging, an answer stands in line behind
 * them. From /proc/PID/net/tcp (proc(5)): bytes in the send queue, the timer for a repeat is set (01), and how often it
 * has run out. Undefined where the system does not tell.
 */
export async function sendState(pid: number): Promise<SendState | undefined> {
  const [sockets, ...tables] = await Promise.all([
    socketsOf(pid),
    ...['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')),
  ]);
  if (tables.every((table) => table === '')) return undefined;
  const waiting = tables
    .flatMap((table) => table.split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, queues = '', timer = '', , , , inode = '']) => {
      const hasQueue = Number.parseInt(queues, 16) > 0;
      return state === '01' && hasQueue && timer.startsWith('01') && sockets.has(inode);
    })
    .map(([, , , , , , repeats]) => Number(`0x${repeats}`));
  if (waiting.length === 0) return 'none';
  return waiting.includes(0) ? 'acknowledged' : 'repeated';
}

/**
 * Bytes a process has read in all, those of its connection among them; undefined where the system does not tell. From
 * /proc/PID/io (proc(5)).
 */
export async function bytesRead(pid: number): Promise<number | undefined> {
  const io = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
  const bytes = /^rchar: (\d+)$/m.exec(io)?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}

async function socketsOf(pid: number): Promise<Set<string>> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}
