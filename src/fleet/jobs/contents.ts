import { existsSync, utimesSync } from 'node:fs';
import { appendFile, link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AutopodError, toFailure } from '../../errors.ts';
import { diskFailure, sha256Of } from '../../services/comfyui/index.ts';
import { makeFolder } from '../../store/home.ts';
import type { FleetHome } from '../home.ts';
import type { Room } from '../storage/room.ts';

/** How far a content has come. */
export interface ContentStanding {
  bytes: number;
  isWhole: boolean;
}

/** Largest content, in bytes. */
export const MOST_BYTES = 4 * 1024 ** 3;

/**
 * What members send by its SHA-256: files that workflows take in, and texts. It comes in pieces, so that each request
 * is small, and one that is cut off is gone on with; what is here already is not sent again, whoever sent it. When it was
 * last asked for is when it was last changed, as the file system has it: it is kept for a while from then on.
 */
export class Contents {
  readonly #folder: string;
  readonly #room: Pick<Room, 'require'>;
  /** Pieces of one content come one after the other. */
  readonly #taking = new Map<string, Promise<unknown>>();

  constructor({ contents }: Pick<FleetHome, 'contents'>, room: Pick<Room, 'require'>) {
    this.#folder = contents;
    this.#room = room;
  }

  async standing(sha256: string): Promise<ContentStanding> {
    const whole = this.#isUsed(sha256) && (await stat(this.#path(sha256)).catch(() => undefined));
    if (whole) return { bytes: whole.size, isWhole: true };
    const part = await stat(this.#partPath(sha256)).catch(() => undefined);
    return { bytes: part?.size ?? 0, isWhole: false };
  }

  /**
   * Takes the piece that begins at `offset`; one that does not go on where the last one ended is left out. Throws
   * `inputChanged`, `serverDiskFull`.
   */
  async take(
    sha256: string,
    { offset, of }: { offset: number; of: number },
    piece: Buffer,
  ): Promise<ContentStanding> {
    const before = this.#taking.get(sha256) ?? Promise.resolve();
    const taken = before.catch(() => undefined).then(() => this.#take(sha256, offset, of, piece));
    this.#taking.set(sha256, taken);
    try {
      return await taken;
    } finally {
      if (this.#taking.get(sha256) === taken) this.#taking.delete(sha256);
    }
  }

  /** Throws `usage` where it is not here. */
  async text(sha256: string): Promise<string> {
    this.#require(sha256);
    return readFile(this.#path(sha256), 'utf8');
  }

  /** Its path with an extension such as `.png`, by which ComfyUI's nodes go; and its size. */
  async file(sha256: string, ext: string): Promise<{ path: string; bytes: number }> {
    this.#require(sha256);
    const path = `${this.#path(sha256)}${ext}`;
    if (!existsSync(path)) await link(this.#path(sha256), path).catch(unlessThere);
    return { path, bytes: (await stat(path)).size };
  }

  async #take(sha256: string, offset: number, of: number, piece: Buffer): Promise<ContentStanding> {
    const standing = await this.standing(sha256);
    if (standing.isWhole || standing.bytes !== offset) return standing;
    await this.#room.require(of - offset);
    makeFolder(this.#folder);
    const part = this.#partPath(sha256);
    try {
      await appendFile(part, piece, { mode: 0o600 });
    } catch (error) {
      const failure = diskFailure(error, part);
      throw toFailure(failure).code === 'diskFull' ? new AutopodError('serverDiskFull', {}) : failure;
    }
    const bytes = offset + piece.length;
    if (bytes < of) return { bytes, isWhole: false };
    if ((await sha256Of(part)) !== sha256) {
      await rm(part, { force: true });
      throw new AutopodError('inputChanged', { path: sha256 });
    }
    const file = await open(part, 'r+');
    await file.sync().finally(() => file.close());
    await rename(part, this.#path(sha256));
    return { bytes, isWhole: true };
  }

  /** Whether it is there, which is a use of it. */
  #isUsed(sha256: string): boolean {
    const now = new Date();
    try {
      utimesSync(this.#path(sha256), now, now);
      return true;
    } catch {
      return false;
    }
  }

  #require(sha256: string): void {
    if (this.#isUsed(sha256)) return;
    throw new AutopodError('usage', { message: `The content ${sha256} has not been sent.` });
  }

  #path(sha256: string): string {
    return join(this.#folder, sha256);
  }

  #partPath(sha256: string): string {
    return join(this.#folder, `${sha256}.part`);
  }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
