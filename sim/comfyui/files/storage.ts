import { posix } from 'node:path';
import type { Content } from './content.ts';

export type FolderName = 'input' | 'output' | 'temp';

/** A file as ComfyUI's answers name it. */
export interface FileName {
  filename: string;
  subfolder: string;
  type: FolderName;
}

export interface StoredFile {
  content: Content;
  /** Milliseconds. */
  modifiedAt: number;
}

/** Where a file cannot be. */
export class OutsideError extends Error {}

/** Python's OSError for a full disk. */
export class DiskFullError extends Error {
  constructor(path: string) {
    super(`[Errno 28] No space left on device: '/workspace/runpod-slim/ComfyUI/${path}'`);
  }
}

/** ComfyUI's folders. They lie on the pod's volume: a restart leaves them, but for the temporary one. */
export class Storage {
  isFull = false;
  readonly #files = new Map<string, StoredFile>();
  /** The highest number in use, by folder and prefix. */
  readonly #counters = new Map<string, number>();

  get(name: FileName): StoredFile | undefined {
    return this.#files.get(pathOf(name));
  }

  /** Whether there is a file at a path within the folder. */
  has(type: FolderName, path: string): boolean {
    return this.#files.has(`${type}/${path}`);
  }

  /** @throws DiskFullError */
  put(name: FileName, content: Content): void {
    const path = pathOf(name);
    if (this.isFull) throw new DiskFullError(path);
    this.#files.set(path, { content, modifiedAt: Date.now() });
    this.#count(name);
  }

  /** Names in a folder, with those of its subfolders. */
  list(type: FolderName): string[] {
    const start = `${type}/`;
    return [...this.#files.keys()]
      .filter((path) => path.startsWith(start))
      .map((path) => path.slice(start.length));
  }

  /** The number for the next file of a prefix, as SaveImage counts. */
  nextNumber(type: FolderName, subfolder: string, prefix: string): number {
    return (this.#counters.get(pathOf({ type, subfolder, filename: prefix })) ?? 0) + 1;
  }

  /** What ComfyUI does as it starts. */
  clearTemporary(): void {
    for (const path of this.#files.keys()) if (path.startsWith('temp/')) this.#files.delete(path);
    for (const path of this.#counters.keys()) if (path.startsWith('temp/')) this.#counters.delete(path);
  }

  #count({ filename, subfolder, type }: FileName): void {
    const [, prefix, digits] = /^(.*)_(\d+)_?\./.exec(filename) ?? [];
    if (prefix === undefined) return;
    const path = pathOf({ type, subfolder, filename: prefix });
    this.#counters.set(path, Math.max(this.#counters.get(path) ?? 0, Number(digits)));
  }
}

/** The subfolder as ComfyUI writes it. @throws OutsideError */
export function insideFolder(subfolder: string): string {
  const inside = posix.normalize(subfolder || '.').replace(/\/$/, '');
  if (inside.startsWith('/') || inside === '..' || inside.startsWith('../'))
    throw new OutsideError(subfolder);
  return inside === '.' ? '' : inside;
}

function pathOf({ type, subfolder, filename }: FileName): string {
  return subfolder === '' ? `${type}/${filename}` : `${type}/${subfolder}/${filename}`;
}
