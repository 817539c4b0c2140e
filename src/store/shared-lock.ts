import { type Lock, type WaitOptions, withLock } from './lock.ts';

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
  readonly #options: WaitOptions;
  #waiting: Waiting[] = [];
  #isTaking = false;

  constructor(folder: string, options: WaitOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Resolves when the work is done; what it throws passes through. Throws `lockBusy`. */
  with(work: (lock: Lock) => Promise<void>): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ work, resolve, reject }));
    if (!this.#isTaking) void this.#take();
    return done;
  }

  async #take(): Promise<void> {
    this.#isTaking = true;
    while (this.#waiting.length > 0) {
      let taken: Waiting[] = [];
      try {
        await withLock(this.#folder, this.#options, async (lock) => {
          taken = this.#waiting;
          this.#waiting = [];
          for (const { work, resolve, reject } of taken) await work(lock).then(resolve, reject);
        });
      } catch (error) {
        const refused = taken.length > 0 ? taken : this.#waiting;
        if (taken.length === 0) this.#waiting = [];
        for (const { reject } of refused) reject(error);
      }
    }
    this.#isTaking = false;
  }
}
