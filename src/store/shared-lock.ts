import { setTimeout as sleep } from 'node:timers/promises';
import { type Lock, type WaitOptions, withLock } from './lock.ts';

export interface SharedLockOptions extends WaitOptions {
  /**
   * Milliseconds for which it is kept for what may come next, where hardly anybody else wants it. Longer than this all in
   * all it is not kept from others.
   */
  lingerMs?: number;
}

interface Waiting {
  work: (lock: Lock) => Promise<void>;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * A lock between processes, for work of one process that comes all at once: what waits when it is taken is done under it,
 * one after the other. It would otherwise wait for itself, and by looking again and again.
 */
export class SharedLock {
  readonly #folder: string;
  readonly #options: SharedLockOptions;
  #onMore: () => void = () => undefined;
  #waiting: Waiting[] = [];
  #isTaking = false;

  constructor(folder: string, options: SharedLockOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Resolves when the work is done; what it throws passes through. Throws `lockBusy`. */
  with(work: (lock: Lock) => Promise<void>): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ work, resolve, reject }));
    if (this.#isTaking) this.#onMore();
    else void this.#take();
    return done;
  }

  async #take(): Promise<void> {
    this.#isTaking = true;
    while (this.#waiting.length > 0) {
      let taken: Waiting[] = [];
      try {
        await withLock(this.#folder, this.#options, async (lock) => {
          const { lingerMs = 0 } = this.#options;
          const until = performance.now() + lingerMs;
          do {
            taken = this.#waiting;
            this.#waiting = [];
            for (const { work, resolve, reject } of taken) await work(lock).then(resolve, reject);
          } while (await this.#isMoreComing(until - performance.now()));
        });
      } catch (error) {
        const refused = taken.length > 0 ? taken : this.#waiting;
        if (taken.length === 0) this.#waiting = [];
        for (const { reject } of refused) reject(error);
      }
    }
    this.#isTaking = false;
  }

  /** Whether something waits, now or within so many milliseconds. */
  async #isMoreComing(withinMs: number): Promise<boolean> {
    if (withinMs <= 0) return false;
    if (this.#waiting.length > 0) return true;
    const waited = new AbortController();
    const more = new Promise<boolean>((resolve) => {
      this.#onMore = () => resolve(true);
    });
    const over = sleep(withinMs, false, { signal: waited.signal, ref: false });
    return Promise.race([more, over.catch(() => false)]).finally(() => waited.abort());
  }
}
