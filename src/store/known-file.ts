import type { BigIntStats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { AutopodError } from '../errors.ts';
import { lastTaken } from './lock.ts';

/** Milliseconds in which a file may be written twice and have one time of change. */
const SAME_TIME_MS = 100;

interface Known<T> {
  value: T;
  as: BigIntStats;
  /** By the wall clock: when it was read or written. */
  at: number;
  /** Of the lock under which it was written. */
  lockNumber: number | undefined;
}

/** What a file that others change as well was last known to hold, as long as it is the same file. */
export class KnownFile<T> {
  readonly #path: string;
  readonly #lock: string;
  #known: Known<T> | undefined;

  /** `lock` is the folder of the lock that whoever changes it has. */
  constructor(path: string, lock: string) {
    this.#path = path;
    this.#lock = lock;
  }

  /** Its text, with the file it was read from; undefined where there is none. Throws `stateUnreadable`. */
  async read(): Promise<{ text: string | undefined; as: BigIntStats | undefined }> {
    try {
      const file = await open(this.#path, 'r');
      try {
        const as = await file.stat({ bigint: true });
        return { text: await file.readFile('utf8'), as };
      } finally {
        await file.close();
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return { text: undefined, as: undefined };
      throw new AutopodError('stateUnreadable', { file: this.#path, reason: message });
    }
  }

  note(as: BigIntStats | undefined, value: T, lockNumber?: number): void {
    this.#known = as && { value, as, at: Date.now(), lockNumber };
  }

  /** What it holds, where that is known for sure without reading it. */
  async current(): Promise<T | undefined> {
    const known = this.#known;
    if (!known) return undefined;
    const isOurs = known.lockNumber !== undefined && (await lastTaken(this.#lock)) === known.lockNumber;
    // Files that are written one after the other may look the same for a moment.
    if (!isOurs && known.at - Number(known.as.mtimeMs) < SAME_TIME_MS) return undefined;
    return (await this.#isSame(known.as)) ? known.value : undefined;
  }

  /** The same for who has just taken the lock. */
  async whileOurs(lockNumber: number): Promise<T | undefined> {
    const known = this.#known;
    if (known?.lockNumber !== lockNumber - 1) return undefined;
    return (await this.#isSame(known.as)) ? known.value : undefined;
  }

  async #isSame({ ino, size, mtimeNs }: BigIntStats): Promise<boolean> {
    const now = await stat(this.#path, { bigint: true }).catch(() => undefined);
    return now !== undefined && now.ino === ino && now.size === size && now.mtimeNs === mtimeNs;
  }
}
