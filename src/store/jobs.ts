import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, opendir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AutopodError } from '../errors.ts';
import type { BatchFacts, JobFacts } from '../machines/job-types.ts';
import { syncFolder, writeFileAtomic, writeSynced } from './atomic-file.ts';
import { type Home, makeFolder } from './home.ts';
import {
  BATCH_MACHINE,
  type BatchRecord,
  batchRecordOf,
  hasEnded,
  JOB_ID,
  JOB_MACHINE,
  type JobRecord,
  jobRecord,
  newJobId,
} from './job-record.ts';
import { readRecord, recordText, setAside, writeRecord } from './json-record.ts';
import type { StoredRecord } from './records.ts';
import { SharedLock } from './shared-lock.ts';

const JOB_FILE = new RegExp(`^(${JOB_ID})\\.json$`);

/** Files written at a time while a batch is made. */
const AT_A_TIME = 16;
/** As for `RecordStore`. */
const LOCKING = { timeoutMs: 20_000, suspendedMs: 3_000 };

/**
 * Jobs and batches, a file each, shared by processes: a change reads and replaces its one file under a lock. A batch is
 * there once its own file is, which comes after those of all its jobs; a job without its batch is not there.
 */
export class JobStore {
  readonly #home: Home;
  readonly #onSetAside: ((from: string, to: string) => void) | undefined;
  /** Told of each job that this store has written, as it is now; null once it is forgotten. */
  onChange: (jobId: string, record: JobRecord | null) => void = () => undefined;
  readonly #lingerMs: number;
  readonly #takers = new Map<string, SharedLock>();

  /** `lingerMs` of who is as good as alone with it: as in `SharedLockOptions`. */
  constructor(home: Home, onSetAside?: (from: string, to: string) => void, lingerMs = 0) {
    this.#home = home;
    this.#onSetAside = onSetAside;
    this.#lingerMs = lingerMs;
  }

  /** Whether the home is there: while it is away nothing can be told of what it has. */
  get isThere(): boolean {
    return existsSync(this.#home.root);
  }

  /** An id that no job or batch of this home has. */
  newId(): string {
    for (;;) {
      const id = newJobId();
      if (!existsSync(this.#jobPath(id)) && !existsSync(this.#batchPath(id))) return id;
    }
  }

  /** Keeps a text under its SHA-256, once, and answers that. */
  async putContent(text: string): Promise<string> {
    const sha256 = hashOf(text);
    const path = this.#contentPath(sha256);
    makeFolder(join(this.#home.jobs, 'prompts'));
    if (!existsSync(path)) await writeFileAtomic(path, text);
    return sha256;
  }

  /** Throws `stateDamaged` when the text is not there or not what it was. */
  async content(sha256: string): Promise<string> {
    const file = this.#contentPath(sha256);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined || hashOf(text) !== sha256) throw new AutopodError('stateDamaged', { file });
    return text;
  }

  /** Writes every job and then the batch, which makes them real: all of them or, after a crash, none. */
  async create(batch: BatchFacts, jobs: Iterable<JobFacts>): Promise<void> {
    makeFolder(join(this.#home.jobs, 'batches'));
    const written: JobRecord[] = [];
    const waiting = jobs[Symbol.iterator]();
    const write = async () => {
      for (let next = waiting.next(); !next.done; next = waiting.next()) {
        const record = jobRecord(next.value, 'waitingForPod');
        await this.#createJob(record);
        written.push(record);
      }
    };
    try {
      const ends = await Promise.allSettled(Array.from({ length: AT_A_TIME }, write));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
      await syncFolder(this.#home.jobs);
      const jobIds = written.map(({ facts }) => facts).toSorted((a, b) => a.index - b.index);
      const record = batchRecordOf(
        batch,
        jobIds.map(({ jobId }) => jobId),
      );
      await writeRecord(this.#batchPath(batch.batchId), record);
    } catch (error) {
      // Nobody's, and one more lot of them for each time it is tried.
      if (!existsSync(this.#batchPath(batch.batchId)))
        for (const { facts } of written) await rm(this.#jobPath(facts.jobId), { force: true });
      throw error;
    }
    for (const record of written) this.onChange(record.facts.jobId, record);
  }

  async batch(batchId: string): Promise<BatchFacts | undefined> {
    return (await this.batchRecord(batchId))?.facts;
  }

  async batchRecord(batchId: string): Promise<BatchRecord | undefined> {
    return this.#read<BatchRecord>(this.#batchPath(batchId), BATCH_MACHINE);
  }

  /** All batches, the earliest first. One that cannot be read is left out. */
  async batches(): Promise<BatchFacts[]> {
    const ids = await this.batchIds();
    const batches = await Promise.all(ids.map((id) => this.batch(id).catch(() => undefined)));
    return batches.filter((batch) => batch !== undefined).sort((a, b) => a.createdAt - b.createdAt);
  }

  async batchIds(): Promise<string[]> {
    const names = await readdir(join(this.#home.jobs, 'batches')).catch(nothing);
    return names.flatMap((name) => JOB_FILE.exec(name)?.[1] ?? []);
  }

  /** Of every job file, without reading it. */
  async jobIds(): Promise<string[]> {
    const names = await readdir(this.#home.jobs).catch(nothing);
    return names.flatMap((name) => JOB_FILE.exec(name)?.[1] ?? []);
  }

  async updateBatch(batchId: string, change: (facts: BatchFacts) => BatchFacts): Promise<void> {
    await this.#changeBatch(batchId, (record) => ({ ...record, facts: change(record.facts) }));
  }

  /** Keeps how far a batch is. */
  async noteBatch(
    batchId: string,
    note: Partial<Pick<BatchRecord, 'isFinished' | 'endedPods'>>,
  ): Promise<void> {
    await this.#changeBatch(batchId, (record) => ({ ...record, ...note }));
  }

  /** Undefined for a job that is not there. Throws `stateNewer` and `stateDamaged`. */
  async get(jobId: string): Promise<JobRecord | undefined> {
    const record = await this.#read<JobRecord>(this.#jobPath(jobId), JOB_MACHINE);
    return record && existsSync(this.#batchPath(record.facts.batchId)) ? record : undefined;
  }

  /**
   * Replaces a job by what `change` makes of it; one that is not there, or not readable, stays so. Resolves when it is on
   * disk.
   */
  async update(jobId: string, change: (record: JobRecord) => JobRecord): Promise<void> {
    const path = this.#jobPath(jobId);
    await this.#alone(jobId, path, async (write) => {
      const record = await this.#read<JobRecord>(path, JOB_MACHINE).catch(unlessDamaged);
      if (!record) return;
      const changed = { ...change(record), savedAt: new Date().toISOString() };
      await write(changed);
      this.onChange(jobId, changed);
    });
  }

  /** The jobs of a batch in their order, one at a time in memory. One that cannot be read is left out. */
  async *ofBatch(batchId: string): AsyncIterable<JobRecord> {
    const { jobIds = [] } = (await this.batchRecord(batchId)) ?? {};
    yield* this.#each(jobIds);
  }

  /** Every job, in no order, one at a time in memory. One that cannot be read is left out. */
  async *all(): AsyncIterable<JobRecord> {
    const folder = await opendir(this.#home.jobs).catch(() => undefined);
    for await (const { name } of folder ?? []) yield* this.#each(JOB_FILE.exec(name)?.slice(1) ?? []);
  }

  /** Leaves word for who drives the job. */
  async ask(jobId: string, asked: NonNullable<JobFacts['asked']>): Promise<void> {
    await this.update(jobId, (record) =>
      hasEnded(record) ? record : { ...record, facts: { ...record.facts, asked } },
    );
  }

  /** Forgets a job; with its last one the batch. */
  async remove(jobId: string): Promise<void> {
    const record = await this.get(jobId);
    await rm(this.#jobPath(jobId), { force: true });
    this.onChange(jobId, null);
    const { jobIds = [] } = (record && (await this.batchRecord(record.facts.batchId))) ?? {};
    if (record && !jobIds.some((id) => existsSync(this.#jobPath(id))))
      await rm(this.#batchPath(record.facts.batchId), { force: true });
  }

  async *#each(jobIds: string[]): AsyncIterable<JobRecord> {
    for (const id of jobIds) {
      const record = await this.get(id).catch(() => undefined);
      if (record) yield record;
    }
  }

  // A name that is taken stays whose it is.
  async #createJob(record: JobRecord): Promise<void> {
    const path = this.#jobPath(record.facts.jobId);
    const draft = `${path}.${process.pid}.tmp`;
    try {
      await writeSynced(draft, recordText(record));
      await link(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async #changeBatch(batchId: string, change: (record: BatchRecord) => BatchRecord): Promise<void> {
    const path = this.#batchPath(batchId);
    await this.#alone(batchId, path, async (write) => {
      const record = await readRecord<BatchRecord>(path, BATCH_MACHINE);
      if (record) await write({ ...change(record), savedAt: new Date().toISOString() });
    });
  }

  /** Work on one file while nobody else changes it. A few locks serve all files. */
  #alone(
    id: string,
    path: string,
    work: (write: (record: StoredRecord<object>) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const folder = join(this.#home.locks, `jobs-${id.charAt(0)}`);
    const taker =
      this.#takers.get(folder) ?? new SharedLock(folder, { ...LOCKING, lingerMs: this.#lingerMs });
    this.#takers.set(folder, taker);
    return taker.with((lock) =>
      work((record) =>
        writeFileAtomic(path, recordText(record), async () => {
          if (await lock.isTaken()) throw new AutopodError('lockBusy', { lock: folder });
        }),
      ),
    );
  }

  async #read<Record extends StoredRecord<object>>(
    path: string,
    machine: string,
  ): Promise<Record | undefined> {
    try {
      return await readRecord<Record>(path, machine);
    } catch (error) {
      if (error instanceof AutopodError && error.code === 'stateDamaged') {
        const to = await setAside(path);
        this.#onSetAside?.(path, to);
      }
      throw error;
    }
  }

  #jobPath(jobId: string): string {
    return join(this.#home.jobs, `${jobId}.json`);
  }

  #batchPath(batchId: string): string {
    return join(this.#home.jobs, 'batches', `${batchId}.json`);
  }

  #contentPath(sha256: string): string {
    return join(this.#home.jobs, 'prompts', `${sha256}.json`);
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

// It was set aside.
function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof AutopodError) || error.code !== 'stateDamaged') throw error;
}

function nothing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
