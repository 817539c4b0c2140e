import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../errors.ts';
import type { Echo, EchoTimings, FirstWord, Traffic } from '../services/ssh/echo.ts';
import type { MasterFiles } from '../services/ssh/master.ts';
import type { Pulse } from './pulse.ts';
import { takesConnections } from './takes-connections.ts';
import { wayTo } from './way-to.ts';

/** Milliseconds without an answer after which the path counts as dead where the system does not tell of lost packets. */
const UNTOLD_SILENT_MS = 10_000;

/** What came of a request: an answer, a connection closed without one (by the pod's sshd: nothing listens), or nothing in time. */
type Reply = 'answer' | 'closed' | 'silence';

/** The session whose login shell has said nothing so far, and who is to be told when it does. */
export interface SilentSession {
  session: Echo;
  /** Told of its first word; what this throws ends the watch. */
  onWord: (word: FirstWord) => void;
}

/**
 * The pulse of an ssh whose sessions say nothing, because the pod's login shell hangs or says something else: HTTP through
 * its forward is asked instead. When the session speaks after all, it is listened to from then on.
 */
export class HttpPulse implements Pulse {
  readonly #forward: string;
  readonly #master: Socket;
  readonly #silent: SilentSession | undefined;
  /** Resolves when the ssh has ended. */
  readonly ended: Promise<void>;
  #hasEnded = false;

  constructor({ control, forward }: MasterFiles, silent?: SilentSession) {
    this.#forward = forward;
    this.#silent = silent;
    // The master says hello and waits; its end closes the connection.
    this.#master = connect(wayTo(control));
    this.#master.on('error', () => undefined);
    this.#master.resume();
    this.ended = new Promise((resolve) => this.#master.once('close', () => resolve()));
    void this.ended.then(() => {
      this.#hasEnded = true;
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get sessions(): number {
    return (this.#hasEnded ? 0 : 1) + (this.#silent?.session.sessions ?? 0);
  }

  async answers(withinMs: number, signal?: AbortSignal): Promise<boolean> {
    const reply = await askHttp(this.#forward, withinMs, signal);
    // An ssh that ends closes it as well.
    return reply === 'answer' || (reply === 'closed' && (await takesConnections(this.#forward)));
  }

  async hold(timings: EchoTimings, traffic: Traffic, signal: AbortSignal): Promise<never> {
    const over = new AbortController();
    const scope = AbortSignal.any([signal, over.signal]);
    const ended = this.ended.then(() => {
      throw new AutopodError('sshUnreachable', { detail: 'ssh ended' });
    });
    const spoken = this.#silent?.session.firstWord.then((word) => {
      this.#silent?.onWord(word);
      return this.#silent?.session;
    });
    try {
      const session = await Promise.race([
        ended,
        this.#watch(timings, traffic, scope),
        ...(spoken ? [spoken] : []),
      ]);
      over.abort();
      // Its beats tell sooner; should its shell end, another watch begins.
      return await (session as Echo).hold(timings, traffic, signal);
    } finally {
      over.abort();
    }
  }

  async #watch({ beatMs, deadAfterMs }: EchoTimings, { flowedAt, sending }: Traffic, signal: AbortSignal) {
    let heardAt = performance.now();
    for (;;) {
      if (await this.answers(deadAfterMs, signal)) heardAt = performance.now();
      signal.throwIfAborted();
      const silentMs = performance.now() - Math.max(heardAt, flowedAt());
      if (silentMs >= deadAfterMs && isDead(await sending(), silentMs))
        throw new AutopodError('sshUnreachable', {
          detail: `no answer for ${Math.round(silentMs / 1000)} s`,
        });
      await sleep(2 * beatMs, undefined, { signal });
    }
  }

  end(): void {
    this.#master.destroy();
    this.#silent?.session.end();
  }
}

// A ComfyUI at hard work answers late; packets that the pod's system acknowledges are not lost.
function isDead(sending: Awaited<ReturnType<Traffic['sending']>>, silentMs: number): boolean {
  return sending === undefined ? silentMs >= UNTOLD_SILENT_MS : sending === 'repeated';
}

/** Resolves when something answers HTTP through a forward, whatever it says; asked again and again until the signal ends it. */
export async function untilHttp(forward: string, everyMs: number, signal: AbortSignal): Promise<void> {
  while ((await askHttp(forward, everyMs * 4, signal)) !== 'answer') {
    signal.throwIfAborted();
    await sleep(everyMs, undefined, { signal });
  }
}

/** Asks for little, on a connection of its own. */
function askHttp(forward: string, withinMs: number, signal?: AbortSignal): Promise<Reply> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(wayTo(forward), () => {
      socket.write('GET /prompt HTTP/1.1\r\nHost: 127.0.0.1:8188\r\nConnection: close\r\n\r\n');
    });
    const finish = (reply: Reply) => {
      signal?.removeEventListener('abort', silence);
      socket.destroy();
      resolve(reply);
    };
    const silence = () => finish('silence');
    const closed = () => finish('closed');
    socket.setTimeout(withinMs, silence);
    signal?.addEventListener('abort', silence, { once: true });
    socket.on('error', closed).once('end', closed).once('close', closed);
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (said.length < 'HTTP/'.length) return;
      if (said.startsWith('HTTP/')) finish('answer');
      else closed();
    });
  });
}
