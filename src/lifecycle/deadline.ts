import { LONGEST_TIMER_MS } from '../clock.ts';
import { AutopodError } from '../errors.ts';

/** Milliseconds after the deadline in which a command may save, and ask what is true, before all of its waits are cut. */
const GRACE_MS = 2_000;

/**
 * When a command gives up waiting. It counts from `begin`, by a clock that nobody sets; what the user takes to answer a
 * question does not count. Without `begin` it never comes.
 */
export class Deadline {
  /** Whether the user has said how long; else patience with RunPod may be shorter. */
  isSaid = false;
  #endsAt = Number.POSITIVE_INFINITY;
  #allMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  readonly #cut = new AbortController();

  begin(ms: number, isSaid: boolean): void {
    this.isSaid = isSaid;
    this.#allMs = ms;
    this.#endsAt = performance.now() + ms;
    this.#watch();
  }

  /** Milliseconds; never less than none. */
  get leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  get isOver(): boolean {
    return this.leftMs === 0;
  }

  /** Cuts whatever still waits a little after the deadline; its reason is the failure. */
  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  get failure(): AutopodError {
    return new AutopodError('timedOut', { timeoutMs: this.#allMs });
  }

  throwIfOver(): void {
    if (this.isOver) throw this.failure;
  }

  /** Asks the user, who may take as long as they like. */
  async pausedWhile<T>(ask: () => Promise<T>): Promise<T> {
    const askedAt = performance.now();
    clearTimeout(this.#timer);
    try {
      return await ask();
    } finally {
      this.#endsAt += performance.now() - askedAt;
      this.#watch();
    }
  }

  #watch(): void {
    clearTimeout(this.#timer);
    const leftMs = this.#endsAt + GRACE_MS - performance.now();
    if (leftMs === Number.POSITIVE_INFINITY) return;
    if (leftMs <= 0) this.#cut.abort(this.failure);
    else this.#timer = setTimeout(() => this.#watch(), Math.min(leftMs, LONGEST_TIMER_MS)).unref();
  }
}
