import { open, stat } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { Journal, type JournalEntry, parseLine } from './journal.ts';

/** What was written to a journal since it was last looked at. */
export interface Tail {
  /** The entries replace what was read before: it is the first look, or the file was rotated or removed. */
  isWhole: boolean;
  entries: JournalEntry[];
}

const NO_FILE = 0;

/** Follows a journal that other processes write; each look reads only what is new. */
export class JournalTail {
  readonly #path: string;
  #inode = -1;
  #offset = 0;
  /** A line that was not whole when it was read. */
  #rest = '';
  #decoder = new StringDecoder('utf8');

  constructor(path: string) {
    this.#path = path;
  }

  /** Begins at the end: what is there already is never told, unless the file is rotated. */
  async skip(): Promise<void> {
    const { ino, size } = await this.#file();
    this.#inode = ino;
    this.#offset = size;
  }

  async look(): Promise<Tail> {
    const { ino, size } = await this.#file();
    if (this.#inode === NO_FILE && ino !== NO_FILE) this.#inode = ino;
    if (ino !== this.#inode || size < this.#offset) {
      this.#inode = ino;
      this.#offset = size;
      this.#rest = '';
      this.#decoder = new StringDecoder('utf8');
      return { isWhole: true, entries: await new Journal(this.#path).read(size) };
    }
    if (size === this.#offset) return { isWhole: false, entries: [] };
    return { isWhole: false, entries: await this.#readOn(size) };
  }

  #file(): Promise<{ ino: number; size: number }> {
    return stat(this.#path).catch(() => ({ ino: NO_FILE, size: 0 }));
  }

  // A line begins with its line feed, so whether the last one is whole shows only in that it can be parsed.
  async #readOn(size: number): Promise<JournalEntry[]> {
    const file = await open(this.#path);
    try {
      const buffer = Buffer.alloc(size - this.#offset);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, this.#offset);
      this.#offset += bytesRead;
      const lines = (this.#rest + this.#decoder.write(buffer.subarray(0, bytesRead))).split('\n');
      const last = lines.at(-1) ?? '';
      this.#rest = parseLine(last).length === 0 ? last : '';
      return lines.flatMap(parseLine);
    } finally {
      await file.close();
    }
  }
}
