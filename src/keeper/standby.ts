import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Generation, isSameAddress, type SshAddress } from '../machines/tunnel.ts';
import type { Echo } from '../services/ssh/echo.ts';

export interface StandbyOptions {
  /** Milliseconds from when the tunnel is healthy until a standby is opened beside it. */
  afterMs: number;
  /** Milliseconds within which a standby that is asked has to answer. */
  answerMs: number;
  end(generation: Generation): Promise<void>;
}

/** An ssh that has proved itself, and the session it did so with. */
export interface Ready {
  generation: Generation;
  echo: Echo;
}

/** Openings that may fail one after the other; then none is tried until the tunnel heals the next time. */
const MAX_FAILURES = 3;

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

  /** Sees to it that there is one at this address until this is aborted, and leaves it for who takes over. */
  async keep(
    address: SshAddress,
    open: (signal: AbortSignal) => Promise<Ready>,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const aborted = once(signal, 'abort');
    for (let failures = 0; failures < MAX_FAILURES; ) {
      const ready = this.#at(address);
      if (ready) await Promise.race([ready.echo.ended, aborted]);
      if (signal.aborted) return;
      await this.#drop();
      await sleep(this.#options.afterMs * 4 ** failures, undefined, { signal }).catch(() => undefined);
      try {
        const opened = await open(signal);
        if (signal.aborted) return void (await this.#options.end(opened.generation));
        this.#ready = opened;
        failures = 0;
      } catch {
        if (signal.aborted) return;
        failures++;
      }
    }
  }

  /**
   * The standby, if it is at this address and answers; it is then no longer one. Not to be asked before the pod is
   * known to be in reach: what is lost on the way is repeated late. One that does not answer is ended.
   */
  async takeOver(address: SshAddress, signal: AbortSignal): Promise<Generation | undefined> {
    const ready = this.#at(address);
    if (!ready) return undefined;
    const isAnswering = await ready.echo.answers(this.#options.answerMs, signal);
    if (this.#ready !== ready) return undefined;
    if (!isAnswering || signal.aborted) {
      await this.#drop();
      return undefined;
    }
    this.#ready = undefined;
    return ready.generation;
  }

  #at(address: SshAddress): Ready | undefined {
    return this.#ready && isSameAddress(address, this.#ready.generation.address) ? this.#ready : undefined;
  }

  async #drop(): Promise<void> {
    const ready = this.#ready;
    this.#ready = undefined;
    if (ready) await this.#options.end(ready.generation);
  }
}
