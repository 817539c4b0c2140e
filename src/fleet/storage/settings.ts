import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { AutopodError } from '../../errors.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { newJobId } from '../../store/job-record.ts';
import { withLock } from '../../store/lock.ts';
import type { FleetHome } from '../home.ts';

const bucketPlace = z.strictObject({
  /** By which what lies there names it. */
  id: z.string(),
  bucket: z.string(),
  /** Of all keys, without a slash at the end; may be nothing. */
  prefix: z.string(),
  /** Null for AWS itself. */
  endpoint: z.string().nullable(),
  region: z.string(),
  /** Whether the bucket stands in the path or before the host. */
  style: z.enum(['path', 'virtual']),
  /** Absolute path of a file for the server's user alone; null for what the SDK finds in its environment. */
  credentials: z.string().nullable(),
});

const age = z.number().int().positive().nullable();
const bytes = z.number().int().min(0);

const shape = z.strictObject({
  /** Folder of this fleet in any bucket, so that two may share one. */
  fleet: z.string(),
  /** All that were ever used: files may lie there. */
  buckets: z.array(bucketPlace),
  /** The bucket in use; null for the server's disk. */
  current: z.string().nullable(),
  /** Epoch milliseconds: files of jobs that ended before stay on the disk. */
  since: z.number(),
  /** Milliseconds after which a file that was sent, and that no job waits for or works with, is removed; null for never. */
  keepInputsMs: age,
  /** Milliseconds after its job has ended that a file it has made is removed; null for never. */
  keepOutputsMs: age,
  /** Bytes of the disk that are to stay free; null for the usual share. */
  keepFree: bytes.nullable(),
  /** Bytes of the disk that files of jobs may have; null for no limit. */
  quota: bytes.nullable(),
});

/** Where files go that members ask for, from which bucket on. */
export type BucketPlace = z.infer<typeof bucketPlace>;
export type StorageSettings = z.infer<typeof shape>;

const DAY_MS = 86_400_000;
export const USUAL_INPUTS_MS = 7 * DAY_MS;
export const USUAL_OUTPUTS_MS = 30 * DAY_MS;

/** What holds where nothing was said. */
export function usualSettings(): StorageSettings {
  return {
    fleet: newJobId(),
    buckets: [],
    current: null,
    since: 0,
    keepInputsMs: USUAL_INPUTS_MS,
    keepOutputsMs: USUAL_OUTPUTS_MS,
    keepFree: null,
    quota: null,
  };
}

/** Where a fleet's files are kept, and how long; in a file of the server's user. Each question reads it anew. */
export class Settings {
  readonly #path: string;
  readonly #lock: string;

  constructor({ storage, locks }: Pick<FleetHome, 'storage' | 'locks'>) {
    this.#path = storage;
    this.#lock = join(locks, 'storage');
  }

  /** Throws `configMalformed` rather than go on with others. */
  async read(): Promise<StorageSettings> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new AutopodError('stateUnreadable', { file: this.#path, reason: error.message });
    });
    if (text === undefined) return usualSettings();
    try {
      return shape.parse(JSON.parse(text));
    } catch (error) {
      const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      throw new AutopodError('configMalformed', { file: this.#path, reason });
    }
  }

  async change(
    by: (settings: StorageSettings) => StorageSettings,
    signal: AbortSignal,
  ): Promise<StorageSettings> {
    return withLock(this.#lock, { signal }, async () => {
      const settings = shape.parse(by(await this.read()));
      await writeFileAtomic(this.#path, `${JSON.stringify(settings, null, 2)}\n`);
      return settings;
    });
  }
}

/** The bucket in use; undefined for the server's disk. */
export function currentBucket({ buckets, current }: StorageSettings): BucketPlace | undefined {
  return buckets.find(({ id }) => id === current);
}

/**
 * With another bucket in use, or one that was used before. What waits on the disk goes there; what has come to lie there
 * for good stays, unless it is to be moved.
 */
export function withBucket(
  settings: StorageSettings,
  { isMoved, now, ...place }: Omit<BucketPlace, 'id'> & { isMoved: boolean; now: number },
): StorageSettings {
  const known = settings.buckets.find((one) => isSamePlace(one, place));
  const id = known?.id ?? `s3-${settings.buckets.length + 1}`;
  const others = settings.buckets.filter((one) => one !== known);
  const since = isMoved ? 0 : settings.current === null ? now : settings.since;
  return { ...settings, buckets: [...others, { id, ...place }], current: id, since };
}

function isSamePlace(one: BucketPlace, other: Omit<BucketPlace, 'id'>): boolean {
  return one.bucket === other.bucket && one.prefix === other.prefix && one.endpoint === other.endpoint;
}

/** `s3://studio/fleet at https://…`: for people. */
export function placeWords({ bucket, prefix, endpoint }: BucketPlace): string {
  const place = `s3://${bucket}${prefix && `/${prefix}`}`;
  return endpoint === null ? place : `${place} at ${endpoint}`;
}
