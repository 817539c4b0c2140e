import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises';
import { AutopodError } from '../../errors.ts';
import { diskFailure } from './disk-failure.ts';

/** Files below this are fetched anew rather than continued: bytes. */
const WORTH_RESUMING = 1 << 20;

/**
 * A file on its way here. Beside it lies, for one that is worth continuing, what the server calls this version of it:
 * only the same version may be continued.
 */
export class PartFile {
  readonly path: string;
  #file: FileHandle | undefined;
  #hash: Hash = createHash('sha256');
  #bytes = 0;
  #version: string | undefined;
  /** What is begun is written in its order; nothing is after a write that failed. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    this.path = path;
  }

  /** Takes up what an earlier attempt has left. */
  static async open(path: string): Promise<PartFile> {
    const part = new PartFile(path);
    try {
      part.#file = await open(path, 'a+');
      part.#version = await readFile(part.#versionPath, 'utf8').catch(() => undefined);
      if (part.#version) await part.#takeUp();
      else await part.restart(undefined, null);
      return part;
    } catch (error) {
      await part.close();
      throw diskFailure(error, path);
    }
  }

  /** Bytes that have come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The version that is continued; undefined when it starts from nothing. */
  get version(): string | undefined {
    return this.#bytes > 0 ? this.#version : undefined;
  }

  /** Forgets what is here and begins a version. */
  async restart(version: string | undefined, ofBytes: number | null): Promise<void> {
    await this.#settled();
    this.#hash = createHash('sha256');
    this.#bytes = 0;
    const isResumable = version !== undefined && ofBytes !== null && ofBytes >= WORTH_RESUMING;
    try {
      await this.#file?.truncate(0);
      if (isResumable) await writeFile(this.#versionPath, version);
      else if (this.#version) await rm(this.#versionPath, { force: true });
      this.#version = isResumable ? version : undefined;
    } catch (error) {
      throw diskFailure(error, this.path);
    }
  }

  /** Takes what comes next. Resolves when it is written and its memory free. */
  take(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of pieces) {
      this.#hash.update(piece);
      this.#bytes += piece.length;
    }
    this.#writing = this.#writing.then(() => this.#write(pieces));
    // Told to whoever asks next, too.
    this.#writing.catch(() => {});
    return this.#writing;
  }

  /** Puts it on the disk and closes it: its SHA-256. Throws `comfyUnanswered` when somebody else has written to it. */
  async complete(): Promise<string> {
    try {
      await this.#writing;
      await this.#file?.sync();
    } catch (error) {
      throw diskFailure(error, this.path);
    }
    if ((await this.#file?.stat())?.size !== this.#bytes) {
      await this.restart(undefined, null);
      throw new AutopodError('comfyUnanswered', { detail: `${this.path} was written to by somebody else` });
    }
    await this.close();
    return this.#hash.digest('hex');
  }

  /** What has come is kept, as far as the disk takes it. */
  async close(): Promise<void> {
    await this.#settled();
    await this.#file?.close();
    this.#file = undefined;
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
    await rm(this.#versionPath, { force: true });
  }

  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    try {
      await writeAll(this.#file, pieces);
    } catch (error) {
      throw diskFailure(error, this.path);
    }
  }

  async #settled(): Promise<void> {
    await this.#writing.catch(() => {});
    this.#writing = Promise.resolve();
  }

  get #versionPath(): string {
    return `${this.path}.version`;
  }

  async #takeUp(): Promise<void> {
    for await (const chunk of this.#file?.createReadStream({ start: 0, autoClose: false }) ?? []) {
      this.#hash.update(chunk as Buffer);
      this.#bytes += (chunk as Buffer).length;
    }
  }
}

/** A disk that is nearly full takes a part and says so only of the next. */
async function writeAll(file: FileHandle | undefined, pieces: readonly Uint8Array[]): Promise<void> {
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  const { bytesWritten } = (await file?.writev(pieces)) ?? { bytesWritten: bytes };
  if (bytesWritten < bytes) await file?.appendFile(Buffer.concat(pieces).subarray(bytesWritten));
}
