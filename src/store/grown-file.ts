import { open } from 'node:fs/promises';

const NOTHING: Grown = { isAnew: false, lines: [] };

export interface Grown {
  /** It is another file than before: what was known of it counts no more. */
  isAnew: boolean;
  /** What has come since; the last line before that once more, which may have been cut off, and others where two look at once. */
  lines: string[];
}

/** A file to which lines are only added, by any process: each look reads what has come since the one before. */
export class GrownFile {
  readonly #path: string;
  #ino = 0n;
  /** Where the last line begins. */
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async look(): Promise<Grown> {
    const file = await open(this.#path, 'r').catch(() => undefined);
    if (!file) return this.#ino === 0n ? NOTHING : this.#lost();
    try {
      const { ino, size } = await file.stat({ bigint: true });
      const isAnew = ino !== this.#ino || size < this.#offset;
      const from = isAnew ? 0 : this.#offset;
      this.#ino = ino;
      const grown = Buffer.alloc(Number(size) - from);
      const { bytesRead } = await file.read(grown, 0, grown.length, from);
      const text = grown.subarray(0, bytesRead);
      this.#offset = from + text.lastIndexOf(0x0a) + 1;
      return { isAnew, lines: text.toString('utf8').split('\n') };
    } finally {
      await file.close();
    }
  }

  #lost(): Grown {
    this.#ino = 0n;
    this.#offset = 0;
    return { isAnew: true, lines: [] };
  }
}
