import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Failure, toFailure } from '../../errors.ts';
import { filesHere } from '../../jobs/files/index.ts';
import type { JobOutput } from '../../machines/job-types.ts';
import { hasEnded, jobRecord, jobState } from '../../store/job-record.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { FleetHome } from '../home.ts';
import type { Bucket } from './bucket.ts';
import { type Buckets, keyOf } from './buckets.ts';
import { filesOnDisk, foldersOfJobs, isToGo } from './on-disk.ts';
import { currentBucket, type Settings, type StorageSettings } from './settings.ts';

export interface MoverContext {
  home: FleetHome;
  store: JobStore;
  settings: Settings;
  buckets: Buckets;
  log: (line: string) => void;
}

/** Jobs whose files go at the same time. */
const AT_ONCE = 4;
/** What is wrong with the bucket, and not with one file. */
const OF_BUCKET = ['storageMissing', 'storageUnreachable', 'storageRefused', 'usage'];

/**
 * Brings what jobs have made from the server's disk to the bucket in use. What lies in the folders is what is to go, so
 * that nothing is forgotten whatever is killed; a file is gone from the disk only after its job's record says where it is.
 */
export class Mover {
  readonly #context: MoverContext;
  /** Jobs that are known to stay, so that they are not read each time. */
  readonly #staying = new Set<string>();
  readonly #told = new Set<string>();
  #stayingFor = '';

  constructor(context: MoverContext) {
    this.#context = context;
  }

  /** One pass. The answer is what keeps files from their bucket; null where nothing does. */
  async move(signal: AbortSignal): Promise<Failure | null> {
    const { home, settings, buckets } = this.#context;
    let failure: Failure | null = null;
    try {
      const now = await settings.read();
      const place = currentBucket(now);
      if (!place) return null;
      this.#heed(now);
      let bucket: Bucket | undefined;
      const going = new Set<Promise<void>>();
      for await (const { jobId, folder } of foldersOfJobs(home)) {
        if (failure || signal.aborted) break;
        if (this.#staying.has(jobId)) continue;
        if (!(await this.#isToGo(jobId, folder, now.since))) continue;
        bucket ??= await buckets.at(place);
        const one = this.#moveJob(jobId, folder, bucket, now, signal)
          .catch((error: unknown) => {
            failure ??= toFailure(error);
          })
          .finally(() => going.delete(one));
        going.add(one);
        if (going.size >= AT_ONCE) await Promise.race(going);
      }
      await Promise.all(going);
    } catch (error) {
      failure ??= toFailure(error);
    }
    return signal.aborted ? null : failure;
  }

  /** Looks at all that is on the disk once more: a job that had failed may have been run again. */
  lookAnew(): void {
    this.#staying.clear();
  }

  /** Another bucket, or the same anew: what stays is to be found out again. */
  #heed({ current, since }: StorageSettings): void {
    const now = `${current} ${since}`;
    if (now !== this.#stayingFor) this.#staying.clear();
    this.#stayingFor = now;
  }

  async #isToGo(jobId: string, folder: string, since: number): Promise<boolean> {
    const record = await this.#context.store.get(jobId).catch(() => undefined);
    if (!record || !hasEnded(record)) return false;
    if (isToGo(record, since)) return true;
    // Killed between what the record says and what it says it of.
    const isGone = filesHere(record.facts).length > 0 && filesOnDisk(record.facts).length === 0;
    if (isGone) await removeFolder(folder);
    else this.#staying.add(jobId);
    return false;
  }

  async #moveJob(
    jobId: string,
    folder: string,
    bucket: Bucket,
    settings: StorageSettings,
    signal: AbortSignal,
  ): Promise<void> {
    const { store } = this.#context;
    const record = await store.get(jobId);
    if (!record) return;
    const { facts } = record;
    const files = filesOnDisk(facts);
    const gone = new Map<string, NonNullable<JobOutput['stored']>>();
    let failure: unknown;
    for (const { path, bytes, sha256 } of files) {
      try {
        signal.throwIfAborted();
        if (bytes === null || sha256 === null) continue;
        const key = keyOf(bucket.place, settings, facts, path);
        await bucket.put(key, path, { bytes, sha256 }, signal);
        gone.set(path, { bucket: bucket.place.id, key });
      } catch (error) {
        if (signal.aborted || OF_BUCKET.includes(toFailure(error).code)) {
          failure = error;
          break;
        }
        // One that somebody changed or took away keeps no other from going.
        this.#tell(`${path} does not go to its bucket: ${(error as Error).message}`);
      }
    }
    let isKept = false;
    if (gone.size > 0) {
      await store.update(jobId, (now) => {
        isKept = true;
        return jobRecord(withStored(now.facts, gone), jobState(now));
      });
    }
    if (isKept && gone.size === files.length) await removeFolder(folder);
    else if (isKept) for (const path of gone.keys()) await removeFile(path);
    if (failure !== undefined) throw failure;
    if (gone.size < files.length) this.#staying.add(jobId);
  }

  #tell(line: string): void {
    if (this.#told.has(line)) return;
    this.#told.add(line);
    this.#context.log(line);
  }
}

function withStored<Facts extends { outputs: JobOutput[] | null; kept?: JobOutput[] }>(
  facts: Facts,
  gone: Map<string, NonNullable<JobOutput['stored']>>,
): Facts {
  const put = (output: JobOutput): JobOutput => {
    const stored = output.path === null ? undefined : gone.get(output.path);
    return stored ? { ...output, stored } : output;
  };
  return {
    ...facts,
    outputs: facts.outputs?.map(put) ?? null,
    ...(facts.kept && { kept: facts.kept.map(put) }),
  };
}

/** With what tells of it. */
async function removeFile(path: string): Promise<void> {
  for (const one of [path, `${path}.json`]) await rm(one, { force: true });
}

/** A job's folder, and its batch's with the last one. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await rmdir(dirname(folder)).catch(() => undefined);
}
