import { setTimeout as sleep } from 'node:timers/promises';
import { FAILURES, toFailure } from '../errors.ts';
import type { Generation, Opened, TunnelWish } from '../machines/tunnel.ts';
import { needsTouch } from '../services/ssh/key.ts';
import type { MasterFiles } from '../services/ssh/master.ts';
import { bytesRead, sendState } from '../services/ssh/sending.ts';
import { Generations, type Standing } from './generations.ts';
import type { Locator } from './locate.ts';
import { type ForwardListener, Reaching } from './reaching.ts';
import { type Ready, Standby } from './standby.ts';
import type { KeeperTimings } from './timings.ts';

export interface ForwardingOptions {
  locator: Locator;
  timings: KeeperTimings;
  /** Folder of the Unix sockets. */
  runtime: string;
  knownHosts: string;
  /** As in `GenerationsOptions`. */
  requiresProof: () => Promise<boolean>;
}

/** The clients' side of a tunnel. */
export interface ForwardingStreams extends ForwardListener {
  /** Whether a client is still joined to a forward's Unix socket. */
  uses(forward: string): boolean;
  /** When bytes last came through it, by the clock of performance.now(). */
  flowedAt(forward: string): number;
}

/** Milliseconds a suspect has to come back when another ssh fails in a way that only the user can mend. */
const LASTING_AFTER_MS = 15_000;
/** Milliseconds between two looks at a suspect whose sessions end at once. */
const RECOVER_PAUSE_MS = 300;

/** The effects of one tunnel: opens, holds and closes generations of ssh. */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #streams: ForwardingStreams;
  readonly #generations: Generations;
  readonly #standby: Standby;
  readonly #reaching: Reaching;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  /** Generation that was in use until it died. */
  #lost: string | undefined;

  constructor(options: ForwardingOptions, streams: ForwardingStreams) {
    this.#options = options;
    this.#streams = streams;
    this.#generations = new Generations(options, (forward) => streams.uses(forward));
    this.#standby = new Standby({
      afterMs: options.timings.standbyAfterMs,
      answerMs: options.timings.deadAfterMs,
      end: (generation) => this.#generations.end(generation),
    });
    this.#reaching = new Reaching({
      ...options,
      generations: this.#generations,
      standby: this.#standby,
      listener: streams,
    });
  }

  /** Why there is no ssh at the pod's address, in words; undefined where it is not known to be out of reach. */
  get trouble(): string | undefined {
    return this.#reaching.trouble;
  }

  /** Process id of an ssh, as it told itself. */
  pidOf(generation: Generation): number | undefined {
    return this.#generations.pidOf(generation);
  }

  /** Process id of the ssh that stands by. */
  get standbyPid(): number | undefined {
    const { generation } = this.#standby;
    return generation && this.pidOf(generation);
  }

  /** How an ssh is trusted, and watched; undefined until it has answered. */
  standingOf(generation: Generation): Standing | undefined {
    return this.#generations.standingOf(generation);
  }

  /** Takes up the ssh that an earlier keeper left, as that one trusted it. */
  adopt(generation: Generation, standing: Standing): void {
    this.#generations.add(generation, standing);
  }

  filesOf(generation: Generation): MasterFiles {
    return this.#generations.filesOf(generation);
  }

  /**
   * Opens a forward beside the suspect one, if there is one: whichever answers first is used, and the other ended.
   * A replaced suspect lives on until its last stream has ended, so that streams in flight survive a short outage.
   */
  async open(wish: TunnelWish, suspect: Generation | null, signal: AbortSignal): Promise<Opened> {
    const scope = AbortSignal.any([signal, this.#closing.signal]);
    const opening = suspect ? this.#openBeside(wish, suspect, scope) : this.#reaching.open(wish, scope);
    const opened = await this.#track(opening);
    if (opened.kind === 'podNotRunning') await this.#standby.drop();
    return opened;
  }

  /** Ends, with an error, when no answer comes through any more. Meanwhile another ssh stands by. */
  async hold(wish: () => TunnelWish, generation: Generation, signal: AbortSignal): Promise<never> {
    const { forward } = this.filesOf(generation);
    const pulse = this.#generations.takePulse(generation);
    const over = new AbortController();
    const scope = AbortSignal.any([signal, over.signal, this.#closing.signal]);
    this.#track(this.#standBy(wish, generation, scope)).catch(() => undefined);
    try {
      const traffic = {
        flowedAt: () => this.#streams.flowedAt(forward),
        sending: async () => {
          const pid = this.pidOf(generation);
          return pid === undefined ? undefined : sendState(pid);
        },
        read: async () => {
          const pid = this.pidOf(generation);
          return pid === undefined ? undefined : bytesRead(pid);
        },
      };
      return await pulse.hold(this.#options.timings, traffic, signal);
    } catch (error) {
      // Who is somebody else shall not come back as the suspect that only was slow.
      if (toFailure(error).code === 'podUnproven') await this.#generations.end(generation);
      throw error;
    } finally {
      if (!signal.aborted) this.#lost = generation.id;
      over.abort();
      pulse.end();
    }
  }

  /** Ends every ssh there is, those just being opened included. Nothing can be opened afterwards. */
  async close(generation: Generation | null): Promise<void> {
    if (generation) this.#generations.add(generation);
    this.#closing.abort();
    await Promise.allSettled(this.#pending);
    await this.#generations.endAll();
  }

  async #standBy(wish: () => TunnelWish, { address }: Generation, signal: AbortSignal): Promise<void> {
    const { standbyKeepaliveSeconds: keepaliveSeconds } = this.#options.timings;
    const open = async (scope: AbortSignal): Promise<Ready | undefined> => {
      const { needsAgent, keyPath } = wish();
      // Nobody shall be asked, or have to touch a key, for an ssh that may never be needed.
      if (needsAgent || (await needsTouch(keyPath))) return undefined;
      return this.#generations.open(
        wish(),
        address,
        { secret: this.#reaching.secretAt(address), keepaliveSeconds },
        scope,
      );
    };
    await this.#standby.keep(address, open, signal);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    return work.finally(() => this.#pending.delete(work));
  }

  async #openBeside(wish: TunnelWish, suspect: Generation, signal: AbortSignal): Promise<Opened> {
    this.#generations.add(suspect);
    this.#reaching.suppose(suspect.address);
    const silentSince = performance.now() - this.#options.timings.deadAfterMs;
    const over = new AbortController();
    const scope = AbortSignal.any([signal, over.signal]);
    const recovered: Opened = { kind: 'open', generation: suspect };
    const recovering = this.#recover(suspect, scope);
    // One that nothing is known against, as an earlier keeper's, has its time to answer before another is begun.
    const isUnsuspected = this.#lost !== suspect.id;
    if (isUnsuspected && (await within(this.#options.timings.deadAfterMs, recovering))) return recovered;
    const fresh = this.#reaching.open(wish, scope);
    // What only the user can mend does not count as long as the ssh there is may come back.
    const freshOrSuspect = fresh.catch(async (error: unknown) => {
      if (isWorthWaiting(error) && !signal.aborted && (await within(LASTING_AFTER_MS, recovering)))
        return recovered;
      throw error;
    });
    const suspectOrFresh = recovering.then((isBack) => (isBack ? recovered : freshOrSuspect));
    try {
      const opened = await Promise.race([suspectOrFresh, freshOrSuspect]);
      if (opened === recovered) this.#reaching.endUnless(opened, fresh);
      else void recovering.then(() => this.#generations.drain(suspect, performance.now() - silentSince));
      return opened;
    } finally {
      over.abort();
    }
  }

  /** Whether the suspect answers again, or still: asked until it does or its ssh has ended. */
  async #recover(suspect: Generation, signal: AbortSignal): Promise<boolean> {
    while ((await this.#generations.lives(suspect)) && !signal.aborted) {
      // One session asks again and again: each new one would wait in the dead path, and sshd takes but ten at once.
      const pulse = this.#generations.takePulse(suspect);
      const isBack = await pulse.answers(this.#options.timings.deadAfterMs, signal);
      this.#generations.keepPulse(suspect, pulse);
      if (isBack) return true;
      await sleep(RECOVER_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
    if (!signal.aborted) await this.#generations.end(suspect);
    return false;
  }
}

/** What a promise says within this time, else false. */
async function within(ms: number, promise: Promise<boolean>): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(ms, false, { signal: over.signal }).catch(() => false);
  return Promise.race([promise, late]).finally(() => over.abort());
}

/** Whether the failure is lasting but says nothing about the ssh there is. */
function isWorthWaiting(error: unknown): boolean {
  const { code } = toFailure(error);
  return !FAILURES[code].retryable && code !== 'podGone' && code !== 'podNotFound';
}
