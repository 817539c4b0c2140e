import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutopodError } from '../../errors.ts';
import type { FleetHome } from '../home.ts';
import { bytesIn } from './on-disk.ts';
import { type Settings, type StorageSettings, usualSettings } from './settings.ts';

/** What stays free where nothing is said: so much, or this share of a small disk. */
const USUAL_FREE = 2 * 1024 ** 3;
const USUAL_SHARE = 0.05;
/** Jobs that run may have most of what is to stay free; they wait once only this share of it is left. */
const LAST_SHARE = 0.25;
/** Milliseconds for which a sum over folders is good. */
const SUM_MS = 30_000;

/** How the disk of a fleet's server stands, in bytes. */
export interface DiskStanding {
  free: number;
  keepFree: number;
  /** Of files of jobs; counted only where there is a quota. */
  used: number | null;
  quota: number | null;
}

/** Room on the disk of the server: new work is refused before it is full, and work that runs waits. */
export class Room {
  readonly #home: FleetHome;
  readonly #settings: Settings;
  #sum: { at: number; bytes: Promise<number> } | undefined;

  constructor(home: FleetHome, settings: Settings) {
    this.#home = home;
    this.#settings = settings;
  }

  async standing(): Promise<DiskStanding> {
    const settings = await this.#settings.read();
    const { free, keepFree } = await freeOf(this.#home.root, settings);
    const { quota } = settings;
    return { free, keepFree, used: quota === null ? null : await this.#used(), quota };
  }

  /** Whether so many bytes more may be taken in. Throws `serverDiskFull`. */
  async require(bytes: number): Promise<void> {
    const { free, keepFree, used, quota } = await this.standing();
    if (free - bytes < keepFree) {
      throw new AutopodError('serverDiskFull', {
        why: `${gigabytes(free)} are free, and ${gigabytes(keepFree)} are to stay so`,
        free,
        keepFree,
      });
    }
    if (quota === null || used === null || used + bytes <= quota) return;
    const why = `files of jobs have ${gigabytes(used)} of the ${gigabytes(quota)} that are theirs`;
    throw new AutopodError('serverDiskFull', { why, used, quota });
  }

  /** Resolves once there is room for what runs. `onWait` is told where there is none. */
  async await(lookMs: number, signal: AbortSignal, onWait: () => void): Promise<void> {
    while (!(await this.#isEnough())) {
      onWait();
      await sleep(lookMs, undefined, { signal });
    }
  }

  /** What cannot be read fails no job. */
  async #isEnough(): Promise<boolean> {
    const settings = await this.#settings.read().catch(usualSettings);
    const standing = await freeOf(this.#home.root, settings).catch(() => undefined);
    return !standing || standing.free >= standing.keepFree * LAST_SHARE;
  }

  #used(): Promise<number> {
    const now = performance.now();
    if (!this.#sum || now - this.#sum.at > SUM_MS) this.#sum = { at: now, bytes: usedBy(this.#home) };
    return this.#sum.bytes;
  }
}

/** Bytes that files of jobs have on the disk. */
export async function usedBy({
  contents,
  outputs,
}: Pick<FleetHome, 'contents' | 'outputs'>): Promise<number> {
  return (await bytesIn(contents)) + (await bytesIn(outputs));
}

async function freeOf(
  root: string,
  { keepFree }: StorageSettings,
): Promise<{ free: number; keepFree: number }> {
  const { bavail, blocks, bsize } = await statfs(root);
  return { free: bavail * bsize, keepFree: keepFree ?? Math.min(USUAL_FREE, blocks * bsize * USUAL_SHARE) };
}

/** For people. */
function gigabytes(bytes: number): string {
  return `${(Math.max(0, bytes) / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
}
