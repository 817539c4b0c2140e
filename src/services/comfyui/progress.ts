import { randomUUID } from 'node:crypto';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { AutopodError } from '../../errors.ts';
import type { JobProgress } from '../../machines/job-types.ts';
import { lenientJson } from '../lenient-json.ts';
import { ProgressReading, type Watched } from './progress-reading.ts';
import { inQueue } from './standing.ts';
import type { ComfyWay } from './way.ts';

/** Milliseconds between two questions for the queue, which is asked at once when the socket says that it changed. */
const POLL_MS = 3_000;
/** The least between two of them: a queue of others' jobs changes often. */
const CALM_MS = 50;
/** Pauses before the socket is opened again. */
const PAUSES_MS = [250, 1_000, 3_000];
const HANDSHAKE_MS = 35_000;

/**
 * Tells how far a prompt is until it is no longer in ComfyUI's queue or the signal aborts; then it resolves. It says
 * nothing of how the prompt ended: ask `findPrompt`. A lost connection is no failure; it is made again.
 */
export async function watchProgress(
  way: ComfyWay,
  watched: Watched,
  onProgress: (progress: JobProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const reading = new ProgressReading(watched);
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const bell = new Bell();
  const tell = () => {
    if (!either.aborted) onProgress(reading.progress);
  };
  const listening = listen(
    way,
    (message) => {
      if (reading.take(message, performance.now())) tell();
      if (isAboutQueue(message)) bell.ring();
    },
    either,
  );
  try {
    for (;;) {
      const rung = bell.next();
      const standing = await inQueue(way, watched.promptId, signal).catch(lost);
      if (standing === undefined) return;
      if (standing !== 'lost') {
        reading.queued(standing.kind === 'pending' ? standing.place : null);
        tell();
      }
      await soonest(rung, POLL_MS, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    over.abort();
    await listening;
  }
}

function isAboutQueue(message: unknown): boolean {
  const { type } = (message ?? {}) as { type?: unknown };
  return type === 'status' || type === 'execution_success' || type === 'execution_error';
}

function lost(error: unknown): 'lost' {
  if (error instanceof AutopodError) return 'lost';
  throw error;
}

/** Keeps a socket open until the signal aborts; never fails. */
async function listen(
  way: ComfyWay,
  onMessage: (message: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const { WebSocket } = await import('ws');
  for (let failures = 0; !signal.aborted; failures += 1) {
    // With an id of its own each time: when a socket closes, a later one with the same id is told nothing more.
    const url = `ws://127.0.0.1:${'localPort' in way ? way.localPort : 8188}/ws?clientId=${randomUUID()}`;
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
      createConnection: () =>
        'socketPath' in way ? createConnection(way.socketPath) : createConnection(way.localPort, '127.0.0.1'),
    });
    socket.once('open', () => {
      failures = -1;
    });
    socket.on('message', (data, isBinary) => {
      // Binary ones are pictures.
      if (!isBinary) onMessage(lenientJson(String(data)));
    });
    await closed(socket, signal);
    const pauseMs = PAUSES_MS[Math.min(Math.max(failures, 0), PAUSES_MS.length - 1)];
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  }
}

function closed(socket: WebSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => socket.terminate();
    signal.addEventListener('abort', end, { once: true });
    socket.on('error', () => {});
    socket.once('close', () => {
      signal.removeEventListener('abort', end);
      resolve();
    });
    if (signal.aborted) end();
  });
}

/** Rings for whoever waits for the next time. */
class Bell {
  #ring: () => void = () => {};

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#ring = resolve;
    });
  }

  ring(): void {
    this.#ring();
  }
}

async function soonest(rung: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const slept = sleep(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) });
  await Promise.race([rung, slept]).finally(() => over.abort());
  await sleep(CALM_MS, undefined, { signal });
}
