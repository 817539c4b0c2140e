import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Generation, isSameAddress, type SshAddress } from '../machines/tunnel.ts';
import type { Pulse } from './pulse.ts';

export interface StandbyOptions {
  /** Milliseconds from when the tunnel is healthy until a standby is opened beside it. */
  afterMs: number;
  /** Milliseconds within which a standby that is asked has to answer. */
  answerMs: number;
  end(generation: Generation): Promise<void>;
}

/** An ssh that has proved itself, and how it is asked whether it still answers. */
export interface Ready {
  generation: Generation;
  pulse: Pick<Pulse, 'ended' | 'answers'>;
}

/** Milliseconds after which one that ends was a good one. */
const LASTING_MS = 60_000;
const MAX_PAUSE_MS = 600_000;

/**
 * A second ssh that is up and silent while the first one is in use. It has sent nothing into an outage, so nothing of
 * it waits in TCP's backoff: when the network is back it answers within one round trip, where another ssh would
 * begin with a handshake.
 */
export class Standby {
  readonly #options: StandbyOptions;
  #ready: Ready | undefined;

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  get generation(): Generation | undefined {
    return this.#ready?.generation;
  }

  /**
   * Sees to it that there is one at this address until this is aborted, and leaves it for who takes over. `open` answers
   * undefined where none is to be opened. One that ends soon, or cannot be opened, is tried ever more slowly.
   */
  async keep(
    address: SshAddress,
    open: (signal: AbortSignal) => Promise<Ready | undefined>,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const aborted = once(signal, 'abort');
    for (let failures = 0; ; failures++) {
      const ready = this.#at(address);
      const heldSince = performance.now();
      if (ready) await Promise.race([ready.pulse.ended, aborted]);
      if (signal.aborted) return;
      if (performance.now() - heldSince > LASTING_MS) failures = 0;
      await this.drop();
      const pauseMs = Math.min(this.#options.afterMs * 2 ** failures, MAX_PAUSE_MS);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const opened = await open(signal).catch(() => undefined);
      if (!opened) continue;
      if (signal.aborted) return this.#options.end(opened.generation);
      this.#ready = opened;
      // It is one only for as long as it runs, also when nobody keeps it.
      void opened.pulse.ended.then(() => this.#dropIf(opened));
    }
  }

  /**
   * The standby, if it is at this address and answers; it is then no longer one. Not to be asked before the pod is
   * known to be in reach: what is lost on the way is repeated late. One that does not answer is ended.
   */
  async takeOver(address: SshAddress, signal: AbortSignal): Promise<Generation | undefined> {
    const ready = this.#at(address);
    if (!ready) return undefined;
    const answering = ready.pulse.answers(this.#options.answerMs);
    void answering.then((isAnswering) => (isAnswering ? undefined : this.#dropIf(ready)));
    const aborted = once(signal, 'abort').then(() => false);
    if (!(await Promise.race([answering, aborted])) || signal.aborted || this.#ready !== ready)
      return undefined;
    this.#ready = undefined;
    return ready.generation;
  }

  async drop(): Promise<void> {
    const ready = this.#ready;
    this.#ready = undefined;
    if (ready) await this.#options.end(ready.generation);
  }

  async #dropIf(ready: Ready): Promise<void> {
    if (this.#ready === ready) await this.drop().catch(() => undefined);
  }

  #at(address: SshAddress): Ready | undefined {
    return this.#ready && isSameAddress(address, this.#ready.generation.address) ? this.#ready : undefined;
  }
}
