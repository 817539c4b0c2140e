import type { BatchFacts, JobProgress, JobState } from '../machines/job-types.ts';
import { jobState } from '../store/job-record.ts';
import { BatchDrive } from './batch-drive.ts';
import type { JobEnvironment } from './environment.ts';
import type { BatchView } from './tally.ts';

export type { BatchView };

export interface JobView {
  state: JobState;
  progress: JobProgress | null;
}

/** A batch as the keeper tells it: with the progress of its jobs at work, by id. */
export interface BatchAtWork extends BatchView {
  running: Record<string, JobProgress>;
}

/** All batches of a home that have not ended. */
export class Jobs {
  readonly #env: JobEnvironment;
  readonly #batches = new Map<string, BatchDrive>();
  readonly #progress = new Map<string, JobProgress>();
  readonly #onChange: () => void;

  /** `onChange` is told when there is a batch to be looked after, or none any more. */
  constructor(env: Omit<JobEnvironment, 'onProgress' | 'isNeededElsewhere'>, onChange: () => void) {
    this.#onChange = onChange;
    this.#env = {
      ...env,
      isNeededElsewhere: (podId, batchId) =>
        [...this.#batches].some(([id, batch]) => id !== batchId && batch.needs(podId)),
      onProgress: (jobId, progress) => {
        if (progress) this.#progress.set(jobId, progress);
        else this.#progress.delete(jobId);
      },
    };
  }

  get isIdle(): boolean {
    return this.#batches.size === 0;
  }

  /** Whether an unfinished batch has something left for a pod. */
  needs(podId: string): boolean {
    return [...this.#batches.values()].some((batch) => batch.needs(podId));
  }

  /** Jobs at work on a pod. */
  worksAt(podId: string): number {
    return [...this.#batches.values()].reduce((sum, batch) => sum + batch.worksAt(podId), 0);
  }

  /** Takes up what was not finished when the last keeper ended. */
  async restore(): Promise<void> {
    for (const id of await this.#env.store.batchIds()) {
      const record = await this.#env.store.batchRecord(id).catch(() => undefined);
      if (record && !record.isFinished) this.#begin(id);
    }
  }

  /** Looks after a batch from now on, or at what was asked of its jobs. */
  async heed(batchId: string): Promise<void> {
    const standing = this.#batches.get(batchId);
    if (standing) return standing.heed();
    if (!(await this.#env.store.batchRecord(batchId))) return;
    await this.#env.store.noteBatch(batchId, { isFinished: false });
    await this.#begin(batchId).heed();
  }

  async factsOf(batchId: string): Promise<BatchFacts | undefined> {
    return this.#env.store.batch(batchId);
  }

  /** Looks at every batch; those that have ended are left. */
  look(): void {
    for (const [id, batch] of this.#batches) {
      if (batch.isFinished) {
        this.#batches.delete(id);
        this.#onChange();
      } else batch.look();
    }
  }

  async view(batchId: string): Promise<BatchAtWork | null> {
    const batch = this.#batches.get(batchId);
    if (!batch) return null;
    const running: Record<string, JobProgress> = {};
    for (const [jobId, progress] of this.#progress) if (batch.stateOf(jobId)) running[jobId] = progress;
    return { ...batch.view, running };
  }

  async viewOfJob(jobId: string): Promise<JobView | null> {
    const record = await this.#env.store.get(jobId);
    if (!record) return null;
    const state = this.#batches.get(record.facts.batchId)?.stateOf(jobId) ?? jobState(record);
    return { state, progress: this.#progress.get(jobId) ?? null };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#batches.values()].map((batch) => batch.stop()));
  }

  #begin(batchId: string): BatchDrive {
    const batch = new BatchDrive(this.#env, batchId);
    this.#batches.set(batchId, batch);
    batch.look();
    this.#onChange();
    return batch;
  }
}
