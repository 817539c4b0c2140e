import { posix } from 'node:path';

/** Bytes a pod's disk takes here: it is this process's memory. */
const CAPACITY = 256 * 1024 * 1024;

export type Entry = { kind: 'folder' } | { kind: 'file'; bytes: Buffer; modifiedAt: number };

/** The files of one pod, in memory. Paths are absolute; a relative one is taken from /root. */
export class Files {
  readonly #entries = new Map<string, Entry>(
    ['/', '/root', '/tmp', '/workspace'].map((path) => [path, { kind: 'folder' }]),
  );

  resolve(path: string): string {
    return posix.resolve('/root', path.replace(/^~(?=\/|$)/, '/root'));
  }

  get(path: string): Entry | undefined {
    return this.#entries.get(this.resolve(path));
  }

  /** Names in a folder. */
  list(path: string): string[] {
    const folder = this.resolve(path);
    return [...this.#entries.keys()]
      .filter((one) => one !== '/' && posix.dirname(one) === folder)
      .map((one) => posix.basename(one));
  }

  /** False where there is no such parent folder, or something is there already. */
  makeFolder(path: string): boolean {
    return !this.get(path) && this.#put(path, { kind: 'folder' });
  }

  /** An empty file, or the one there is; undefined where the folder is missing or the name is a folder's. */
  open(path: string, isEmptied: boolean): Entry | undefined {
    const entry = this.get(path);
    if (entry?.kind === 'folder') return undefined;
    if (entry && !isEmptied) return entry;
    const file: Entry = { kind: 'file', bytes: Buffer.alloc(0), modifiedAt: Date.now() };
    return this.#put(path, file) ? file : undefined;
  }

  /** False when the disk is full. */
  write(file: Extract<Entry, { kind: 'file' }>, offset: number, data: Buffer): boolean {
    const size = Math.max(file.bytes.length, offset + data.length);
    if (this.#used() - file.bytes.length + size > CAPACITY) return false;
    if (size > file.bytes.length) file.bytes = Buffer.concat([file.bytes], size);
    data.copy(file.bytes, offset);
    file.modifiedAt = Date.now();
    return true;
  }

  /** False for what is not there, and for a folder that is not empty. */
  remove(path: string): boolean {
    return this.list(path).length === 0 && this.#entries.delete(this.resolve(path));
  }

  rename(from: string, to: string): boolean {
    const entry = this.get(from);
    return entry?.kind === 'file' && this.#put(to, entry) && this.#entries.delete(this.resolve(from));
  }

  #put(path: string, entry: Entry): boolean {
    const at = this.resolve(path);
    if (this.#entries.get(posix.dirname(at))?.kind !== 'folder') return false;
    this.#entries.set(at, entry);
    return true;
  }

  #used(): number {
    return [...this.#entries.values()].reduce(
      (sum, entry) => sum + (entry.kind === 'file' ? entry.bytes.length : 0),
      0,
    );
  }
}
