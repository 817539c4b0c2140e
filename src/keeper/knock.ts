import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Resolves true when a TCP connect to the pod's sshd succeeds. Each knock is a connection of its own with its
 * own first packet: a path that comes back is found at once, where one connect would sit in TCP's backoff.
 */
export async function knock(
  { host, port }: { host: string; port: number },
  { everyMs, forMs }: { everyMs: number; forMs: number },
  signal: AbortSignal,
): Promise<boolean> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  let isOpen = false;
  const deadline = performance.now() + forMs;
  const open = () => {
    isOpen = true;
    over.abort();
  };
  while (!until.aborted && performance.now() < deadline) {
    tryOnce(host, port, until, open);
    await sleep(everyMs, undefined, { signal: until }).catch(() => undefined);
  }
  over.abort();
  signal.throwIfAborted();
  return isOpen;
}

function tryOnce(host: string, port: number, signal: AbortSignal, open: () => void): void {
  const socket = connect({ host, port });
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  socket.once('connect', () => {
    // A closed port of this machine's own ephemeral range can connect to itself.
    if (socket.localPort !== socket.remotePort || socket.localAddress !== socket.remoteAddress) open();
    end();
  });
  socket.once('error', end);
  socket.once('close', () => signal.removeEventListener('abort', end));
}
