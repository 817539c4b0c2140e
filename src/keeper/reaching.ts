import { setTimeout as sleep } from 'node:timers/promises';
import type { Opened, SshAddress, TunnelWish } from '../machines/tunnel.ts';
import type { Generations } from './generations.ts';
import { knock, untilLost } from './knock.ts';
import type { Locator } from './locate.ts';
import { watchPod } from './pod-watch.ts';
import type { Standby } from './standby.ts';
import type { KeeperTimings } from './timings.ts';

/** Who is told of forwards while they are being opened. */
export interface ForwardListener {
  /** Told of a forward that is set up and has yet to prove that answers come through: those who wait may try it. */
  onForward(forward: string): void;
  /** Told that it did not prove it. */
  onForwardFailed(forward: string): void;
}

export interface ReachingOptions {
  locator: Locator;
  timings: KeeperTimings;
  generations: Generations;
  standby: Standby;
  listener: ForwardListener;
}

/** Handshakes under way at once to one address. */
const MAX_HANDSHAKES = 3;
/** Milliseconds a standby has for its answer, on top of two round trips, before a handshake is begun as well. */
const STANDBY_AHEAD_MS = 30;
const MAX_STANDBY_AHEAD_MS = 300;

/** Finds the pod and gets an ssh to it, the one that stands by or another. */
export class Reaching {
  readonly #options: ReachingOptions;
  #lastAddress: SshAddress | undefined;
  /** What the last knock that was not answered met. */
  #trouble: string | undefined;

  constructor(options: ReachingOptions) {
    this.#options = options;
  }

  /** Why there is no ssh at the pod's address, in words; undefined where it is not known to be out of reach. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Where the pod is to be looked for first, unless that is known. */
  suppose(address: SshAddress): void {
    this.#lastAddress ??= address;
  }

  /** Lets go of an attempt that another has won against, and that may be up in the same moment. */
  endUnless(winner: Opened | undefined, attempt: Promise<Opened>): void {
    attempt
      .then((late) =>
        late !== winner && late.kind === 'open'
          ? this.#options.generations.letGo(late.generation)
          : undefined,
      )
      .catch(() => undefined);
  }

  /**
   * Knocks where the pod was last, while RunPod is asked where it is now; the attempt moves when the pod has. So a
   * network that comes back is used at once, and a pod that moved is found although its old address may be another's.
   */
  async open(wish: TunnelWish, signal: AbortSignal): Promise<Opened> {
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
        if (attempt) this.endUnless(opened, attempt);
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
        if (oldest) this.endUnless(undefined, oldest.opening);
        oldest?.over.abort();
      }
      return opened;
    } finally {
      over.abort();
      for (const opening of [orStandby, ...openings()]) this.endUnless(opened, opening);
    }
  }

  async #takeStandby(address: SshAddress, signal: AbortSignal): Promise<Opened | undefined> {
    const ready = await this.#options.standby.takeOver(address, signal);
    return ready && { kind: 'open', generation: ready };
  }

  async #connect(
    wish: TunnelWish,
    address: SshAddress,
    told: Promise<unknown>,
    signal: AbortSignal,
  ): Promise<Opened> {
    const { listener } = this.#options;
    const secret = this.secretAt(address, told);
    const options = {
      secret,
      onForward: (forward: string) => listener.onForward(forward),
      onForwardFailed: (forward: string) => listener.onForwardFailed(forward),
    };
    const { generation } = await this.#options.generations.open(wish, address, options, signal);
    return { kind: 'open', generation };
  }

  /** What the pod has to prove itself with; after a keeper's start RunPod may have to tell it first. */
  async secretAt({ bootId }: SshAddress, told?: Promise<unknown>): Promise<string | null | undefined> {
    const { locator } = this.#options;
    if (locator.secretOf(bootId) === undefined) await told;
    return locator.secretOf(bootId);
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function firstOf(promises: Promise<Opened | undefined>[]): Promise<Opened | undefined> {
  return Promise.race(promises);
}
