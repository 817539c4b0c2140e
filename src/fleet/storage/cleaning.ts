import { rmSync, statSync } from 'node:fs';
import { readdir, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ageMs } from '../../clock.ts';
import { filesHere } from '../../jobs/files/index.ts';
import { hasEnded, type JobRecord, jobRecord, jobState } from '../../store/job-record.ts';
import type { JobStore } from '../../store/jobs.ts';
import type { FleetHome } from '../home.ts';
import type { Buckets } from './buckets.ts';
import { removeFolder } from './mover.ts';
import { endOf, foldersOfJobs } from './on-disk.ts';
import type { Settings, StorageSettings } from './settings.ts';

export interface CleanerContext {
  home: FleetHome;
  store: JobStore;
  settings: Settings;
  buckets: Buckets;
}

/** What a pass has removed. */
export interface Cleaned {
  inputs: number;
  jobs: number;
}

const SHA256_LENGTH = 64;

/** Removes what members have sent and jobs have made, once it is kept no longer. Whatever cuts a pass off, the next one goes on. */
export class Cleaner {
  readonly #context: CleanerContext;
  /** Epoch milliseconds at which jobs ended, so that each is read once before its time; null once nothing of it is left. */
  readonly #endedAt = new Map<string, number | null>();

  constructor(context: CleanerContext) {
    this.#context = context;
  }

  /** One pass. Throws `configMalformed`, and `stateNewer` of a job that waits, rather than remove anything. */
  async clean(signal: AbortSignal): Promise<Cleaned> {
    const settings = await this.#context.settings.read();
    const { keepInputsMs, keepOutputsMs } = settings;
    return {
      inputs: keepInputsMs === null ? 0 : await this.#inputs(keepInputsMs),
      jobs: keepOutputsMs === null ? 0 : await this.#outputs(settings, keepOutputsMs, signal),
    };
  }

  /** What no job that goes on takes in, and nobody has used for so long. A job's time counts from its end. */
  async #inputs(keepMs: number): Promise<number> {
    const { contents } = this.#context.home;
    const names = await readdir(contents).catch((): string[] => []);
    const used = await this.#inUse();
    const bySha256 = new Map<string, string[]>();
    for (const name of names) {
      const sha256 = name.slice(0, SHA256_LENGTH);
      bySha256.set(sha256, [...(bySha256.get(sha256) ?? []), join(contents, name)]);
    }
    const now = new Date();
    let removed = 0;
    for (const [sha256, paths] of bySha256) {
      if (used.has(sha256)) {
        for (const path of paths) await utimes(path, now, now).catch(() => undefined);
        continue;
      }
      // At once, so that nobody who takes it up meanwhile finds a half of it.
      if (paths.some((path) => ageMs(usedAt(path)) < keepMs)) continue;
      for (const path of paths) rmSync(path, { force: true });
      removed += 1;
    }
    return removed;
  }

  /** What jobs take in that have not ended, by its SHA-256. Throws rather than leave out one that cannot be read. */
  async #inUse(): Promise<Set<string>> {
    const { store } = this.#context;
    const used = new Set<string>();
    for (const batchId of await store.batchIds()) {
      const batch = await store.batchRecord(batchId);
      if (!batch || batch.isFinished) continue;
      for (const jobId of batch.jobIds) {
        const { inputs = [] } = (await store.get(jobId))?.facts ?? {};
        for (const { path } of inputs) used.add(basename(path).slice(0, SHA256_LENGTH));
      }
    }
    return used;
  }

  async #outputs(settings: StorageSettings, keepMs: number, signal: AbortSignal): Promise<number> {
    const { store } = this.#context;
    const isDue = (end: number) => ageMs(end) >= keepMs;
    let cleaned = 0;
    for (const jobId of await store.jobIds()) {
      signal.throwIfAborted();
      const known = this.#endedAt.get(jobId);
      if (known === null || (known !== undefined && !isDue(known))) continue;
      const record = await store.get(jobId).catch(() => undefined);
      if (!record || !hasEnded(record)) continue;
      const end = endOf(record);
      const isDone = isDue(end) && !hasFiles(record);
      this.#endedAt.set(jobId, isDone ? null : end);
      if (isDone || !isDue(end)) continue;
      await this.#cleanJob(record, settings, signal);
      this.#endedAt.set(jobId, null);
      cleaned += 1;
    }
    await this.#leftFolders(isDue);
    return cleaned;
  }

  /** What downloads that failed have left, and what was there when a pass was cut off. */
  async #leftFolders(isDue: (end: number) => boolean): Promise<void> {
    const { home, store } = this.#context;
    for await (const { jobId, folder } of foldersOfJobs(home)) {
      const record = await store.get(jobId).catch(() => undefined);
      if (record && hasEnded(record) && !hasFiles(record) && isDue(endOf(record))) await removeFolder(folder);
    }
  }

  /** First the files and then the word of it: cut off between, it is done again. */
  async #cleanJob({ facts }: JobRecord, settings: StorageSettings, signal: AbortSignal): Promise<void> {
    const { store, home, buckets } = this.#context;
    for (const { stored } of filesHere(facts)) {
      if (!stored) continue;
      const bucket = await buckets.named(stored.bucket, settings);
      await bucket.remove(stored.key, signal);
    }
    await removeFolder(join(home.outputs, facts.batchId, facts.jobId));
    await store.update(facts.jobId, (record) =>
      jobRecord({ ...record.facts, cleanedAt: Date.now() }, jobState(record)),
    );
  }
}

function hasFiles({ facts }: JobRecord): boolean {
  return facts.cleanedAt === undefined && filesHere(facts).length > 0;
}

function usedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
