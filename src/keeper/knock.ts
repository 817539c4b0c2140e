import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds a knock may take; slower than this no way to a pod is. */
const KNOCK_TIMEOUT_MS = 4_000;
/** Milliseconds after which an outage is a long one, and a laptop's battery counts for more than a moment. */
const PATIENT_AFTER_MS = 180_000;

/**
 * Resolves when a TCP connect to the pod's sshd succeeds, with the milliseconds it took. Each knock is a connection of its own with its own first
 * packet: a path that comes back is found at once, where one connect would sit in TCP's backoff.
 */
export async function knock(
  { host, port }: { host: string; port: number },
  everyMs: number,
  signal: AbortSignal,
): Promise<number> {
  const begunAt = performance.now();
  const over = new AbortController();
  let tookMs = 0;
  const until = AbortSignal.any([signal, over.signal]);
  while (!until.aborted) {
    const knockedAt = performance.now();
    tryOnce(host, port, until, () => {
      tookMs = performance.now() - knockedAt;
      over.abort();
    });
    const pauseMs = performance.now() - begunAt < PATIENT_AFTER_MS ? everyMs : everyMs * 5;
    await sleep(pauseMs, undefined, { signal: until }).catch(() => undefined);
  }
  signal.throwIfAborted();
  return tookMs;
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
  socket.setTimeout(KNOCK_TIMEOUT_MS, end);
  socket.once('error', end);
  socket.once('close', () => signal.removeEventListener('abort', end));
}
