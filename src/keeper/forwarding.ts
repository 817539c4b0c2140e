import { setTimeout as sleep } from 'node:timers/promises';
import { FAILURES, toFailure } from '../errors.ts';
import type { Generation, Opened, SshAddress, TunnelWish } from '../machines/tunnel.ts';
import { needsTouch } from '../services/ssh/key.ts';
import type { MasterFiles } from '../services/ssh/master.ts';
import { bytesRead, sendState } from '../services/ssh/sending.ts';
import { Generations, type Standing } from './generations.ts';
import { knock, untilLost } from './knock.ts';
import type { Locator } from './locate.ts';
import { watchPod } from './pod-watch.ts';
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
export interface ForwardingStreams {
  /** Whether a client is still joined to a forward's Unix socket. */
  uses(forward: string): boolean;
  /** When bytes last came through it, by the clock of performance.now(). */
  flowedAt(forward: string): number;
  /** Told of a forward that is set up and has yet to prove that answers come through: those who wait may try it. */
  onForward(forward: string): void;
  /** Told that it did not prove it. */
  onForwardFailed(forward: string): void;
}

/** Handshakes under way at once to one address. */
const MAX_HANDSHAKES = 3;
/** Milliseconds a standby has for its answer, on top of two round trips, before a handshake is begun as well. */
const STANDBY_AHEAD_MS = 30;
const MAX_STANDBY_AHEAD_MS = 300;
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
  readonly #pending = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #lastAddress: SshAddress | undefined;
  /** What the last knock that was not answered met. */
  #trouble: string | undefined;
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
  }

  /** Why there is no ssh at the pod's address, in words; undefined where it is not known to be out of reach. */
  get trouble(): string | undefined {
    return this.#trouble;
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
    const opening = suspect ? this.#openBeside(wish, suspect, scope) : this.#openFresh(wish, scope);
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
        { secret: this.#secretAt(address), keepaliveSeconds },
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
    this.#lastAddress ??= suspect.address;
    const silentSince = performance.now() - this.#options.timings.deadAfterMs;
    const over = new AbortController();
    const scope = AbortSignal.any([signal, over.signal]);
    const recovered: Opened = { kind: 'open', generation: suspect };
    const recovering = this.#recover(suspect, scope);
    // One that nothing is known against, as an earlier keeper's, has its time to answer before another is begun.
    const isUnsuspected = this.#lost !== suspect.id;
    if (isUnsuspected && (await within(this.#options.timings.deadAfterMs, recovering))) return recovered;
    const fresh = this.#openFresh(wish, scope);
    // What only the user can mend does not count as long as the ssh there is may come back.
    const freshOrSuspect = fresh.catch(async (error: unknown) => {
      if (isWorthWaiting(error) && !signal.aborted && (await within(LASTING_AFTER_MS, recovering)))
        return recovered;
      throw error;
    });
    const suspectOrFresh = recovering.then((isBack) => (isBack ? recovered : freshOrSuspect));
    try {
      const opened = await Promise.race([suspectOrFresh, freshOrSuspect]);
      if (opened === recovered) this.#endUnless(opened, fresh);
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

  // Another has won, but this one may be up in the same moment.
  #endUnless(winner: Opened | undefined, attempt: Promise<Opened>): void {
    attempt
      .then((late) =>
        late !== winner && late.kind === 'open' ? this.#generations.letGo(late.generation) : undefined,
      )
      .catch(() => undefined);
  }

  /**
   * Knocks where the pod was last, while RunPod is asked where it is now; the attempt moves when the pod has. So a
   * network that comes back is used at once, and a pod that moved is found although its old address may be another's.
   */
  async #openFresh(wish: TunnelWish, signal: AbortSignal): Promise<Opened> {
    for (;;) {
      const over = new AbortController();
      const scope = AbortSignal.any([signal, over.signal]);
      const watch = watchPod(this.#options, wish.podId, this.#lastAddress, scope);
      watch.elsewhere.catch(() => undefined);
      const attempt = this.#lastAddress && this.#openAt(wish, this.#lastAddress, watch.first, scope);
      let opened: Opened | undefined;
      try {
        const result = await (attempt ? Promise.race([attempt, watch.elsewhere]) : watch.elsewhere);
        if (result.kind === 'open') opened = result;
        if (opened) return opened;
        if (result.kind !== 'running') return { kind: 'podNotRunning' };
        this.#lastAddress = result.address;
      } catch (error) {
        // What the old address says counts only if RunPod says that the pod is still there.
        signal.throwIfAborted();
        if (!attempt || (await watch.first) !== 'elsewhere') throw error;
        const moved = await watch.elsewhere;
        if (moved.kind !== 'running') return { kind: 'podNotRunning' };
        this.#lastAddress = moved.address;
      } finally {
        over.abort();
        if (attempt) this.#endUnless(opened, attempt);
      }
    }
  }

  /**
   * Takes over the ssh that stands by, or opens one, as soon as the pod's sshd answers a knock. One whose handshake does
   * not get on gets company when another knock is answered, at once if it was not for a while: an outage may have
   * swallowed its packets, and TCP would wait long before it repeats them. The oldest makes room for the youngest.
   */
  async #openAt(
    wish: TunnelWish,
    address: SshAddress,
    told: Promise<unknown>,
    signal: AbortSignal,
  ): Promise<Opened> {
    const { knockMs, handshakeMs } = this.#options.timings;
    const over = new AbortController();
    const scope = AbortSignal.any([signal, over.signal]);
    const attempts: { opening: Promise<Opened>; over: AbortController }[] = [];
    const openings = () => attempts.map(({ opening }) => opening);
    let orStandby: Promise<Opened> = never();
    let opened: Opened | undefined;
    try {
      this.#trouble = undefined;
      const roundTripMs = await knock(address, knockMs, scope, (words) => {
        this.#trouble = words;
      });
      this.#trouble = undefined;
      const standby = this.#takeStandby(address, scope);
      orStandby = standby.then((answer) => answer ?? never());
      const aheadMs = Math.min(STANDBY_AHEAD_MS + 2 * roundTripMs, MAX_STANDBY_AHEAD_MS);
      opened = await firstOf([standby, sleep(aheadMs, undefined, { signal: scope })]);
      for (let begun = 1; !opened; begun++) {
        // Those left have ever more time, however slow the pod is.
        const patienceMs = begun <= MAX_HANDSHAKES ? handshakeMs : handshakeMs * begun;
        const attempt = new AbortController();
        const opening = this.#connect(wish, address, told, AbortSignal.any([scope, attempt.signal]));
        attempts.push({ opening, over: attempt });
        const isTimeForAnother = untilLost(address, knockMs, patienceMs, scope);
        opened = await firstOf([orStandby, ...openings(), isTimeForAnother]);
        if (opened || attempts.length < MAX_HANDSHAKES) continue;
        const oldest = attempts.shift();
        if (oldest) this.#endUnless(undefined, oldest.opening);
        oldest?.over.abort();
      }
      return opened;
    } finally {
      over.abort();
      for (const opening of [orStandby, ...openings()]) this.#endUnless(opened, opening);
    }
  }

  async #takeStandby(address: SshAddress, signal: AbortSignal): Promise<Opened | undefined> {
    const ready = await this.#standby.takeOver(address, signal);
    return ready && { kind: 'open', generation: ready };
  }

  async #connect(
    wish: TunnelWish,
    address: SshAddress,
    told: Promise<unknown>,
    signal: AbortSignal,
  ): Promise<Opened> {
    const { onForward, onForwardFailed } = this.#streams;
    const secret = this.#secretAt(address, told);
    const options = { secret, onForward, onForwardFailed };
    const { generation } = await this.#generations.open(wish, address, options, signal);
    return { kind: 'open', generation };
  }

  /** What the pod has to prove itself with; after a keeper's start RunPod may have to tell it first. */
  async #secretAt({ bootId }: SshAddress, told?: Promise<unknown>): Promise<string | null | undefined> {
    const { locator } = this.#options;
    if (locator.secretOf(bootId) === undefined) await told;
    return locator.secretOf(bootId);
  }
}

/** What a promise says within this time, else false. */
async function within(ms: number, promise: Promise<boolean>): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(ms, false, { signal: over.signal }).catch(() => false);
  return Promise.race([promise, late]).finally(() => over.abort());
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function firstOf(promises: Promise<Opened | undefined>[]): Promise<Opened | undefined> {
  return Promise.race(promises);
}

/** Whether the failure is lasting but says nothing about the ssh there is. */
function isWorthWaiting(error: unknown): boolean {
  const { code } = toFailure(error);
  return !FAILURES[code].retryable && code !== 'podGone' && code !== 'podNotFound';
}
