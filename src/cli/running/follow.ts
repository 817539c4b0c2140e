import { setTimeout as sleep } from 'node:timers/promises';
import type { PodStanding } from '../../jobs/environment.ts';
import { filesHere } from '../../jobs/files/index.ts';
import type { BatchFacts, JobState } from '../../machines/job-types.ts';
import { hasEnded, type JobRecord, jobState } from '../../store/job-record.ts';
import type { JobStore } from '../../store/jobs.ts';
import { JournalTail } from '../../store/journal-tail.ts';
import type { Context } from '../context.ts';
import { clockTime } from '../text/detail.ts';
import { runText } from '../text/run.ts';
import { uptimeWords } from '../text/uptime.ts';
import { JobProgressView } from './job-progress.ts';
import { batchAtWork, heedBatch } from './keeper-batches.ts';
import { Pictures } from './pictures.ts';
import { Tally } from './tally.ts';

export interface FollowOptions {
  jsonStream?: boolean;
  /** False where no picture is to be shown. */
  preview: boolean;
}

/** The journal from here on: what happens to jobs, too fast to be seen in their records. To be made before they begin. */
export async function journalFromHere(context: Context): Promise<FromHere> {
  const from = { tail: new JournalTail(context.home().journal), at: new Date().toISOString() };
  await from.tail.skip();
  return from;
}

export interface FromHere {
  tail: JournalTail;
  /** ISO 8601, UTC. */
  at: string;
}

const JOB_MACHINE = 'job@1';
const ENDS = ['done', 'failed', 'cancelled'];
const LOOK_MS = 250;
const LAST_CHANGE_MS = 1_000;
/** Milliseconds in which a job that has a pod begins. */
const BEGINS_WITHIN_MS = 2_000;
/** Looks without an answer of the keeper's, after which it is asked again to look after the batch. */
const SILENT_LOOKS = 12;
/** Jobs in a row that have not begun, behind which none has: they are begun in their order. */
const UNBEGUN_IN_A_ROW = 8;

/**
 * Shows what the keeper does about a batch until all of its jobs have ended, and prints the paths of files as they are
 * whole. The records tell what is; the keeper's view adds how far. Changes nothing.
 */
export async function follow(
  context: Context,
  store: JobStore,
  batch: BatchFacts,
  { from, ...options }: FollowOptions & { from: FromHere },
  signal: AbortSignal,
): Promise<Tally> {
  const followed = new Followed(context, store, batch, options, from);
  try {
    await followed.untilEnded(signal);
    return followed.tally;
  } finally {
    followed.end();
  }
}

class Followed {
  readonly tally = new Tally();
  readonly #context: Context;
  readonly #store: JobStore;
  readonly #batch: BatchFacts;
  readonly #options: FollowOptions;
  readonly #view: JobProgressView;
  readonly #pictures: Pictures;
  readonly #from: FromHere;
  #ids: ReadonlySet<string> = new Set();
  #states = new Map<string, JobState>();
  #pending: string[] = [];
  readonly #begun = performance.now();
  #endsTold = 0;
  #silentLooks = 0;
  #isWarned = false;
  #podsTold = new Map<string, PodStanding>();

  constructor(context: Context, store: JobStore, batch: BatchFacts, options: FollowOptions, from: FromHere) {
    this.#from = from;
    this.#context = context;
    this.#store = store;
    this.#batch = batch;
    this.#options = options;
    this.#view = new JobProgressView(context.out, batch.count);
    this.#pictures = new Pictures(context, options.preview);
  }

  async untilEnded(signal: AbortSignal): Promise<void> {
    this.#pending = (await this.#store.batchRecord(this.#batch.batchId))?.jobIds ?? [];
    this.#ids = new Set(this.#pending);
    for (;;) {
      const isFinished = (await this.#store.batchRecord(this.#batch.batchId))?.isFinished ?? true;
      await this.#tellChanges();
      await this.#look(isFinished);
      if (this.#pending.length === 0 || isFinished) return this.#tellLastChanges();
      await this.#tellHowFar(signal);
      await sleep(LOOK_MS, undefined, { signal });
    }
  }

  end(): void {
    this.#view.end();
  }

  async #look(isFinished: boolean): Promise<void> {
    const still: string[] = [];
    let unbegun = 0;
    for (const [at, id] of this.#pending.entries()) {
      if (unbegun >= UNBEGUN_IN_A_ROW && !isFinished) {
        still.push(...this.#pending.slice(at));
        break;
      }
      const record = await this.#store.get(id).catch(() => undefined);
      if (!record) continue;
      const hasBegun = record.facts.podId !== null || record.facts.submissions.length > 0;
      unbegun = hasBegun || hasEnded(record) ? 0 : unbegun + 1;
      await this.#heed(record, hasBegun);
      if (!hasEnded(record)) still.push(id);
    }
    this.#pending = still;
  }

  async #heed(record: JobRecord, hasBegun: boolean): Promise<void> {
    const { jobId } = record.facts;
    const state = jobState(record);
    if (this.#states.get(jobId) === state) return;
    // Until a pod has taken it, which is a matter of moments where one is ready.
    if (!hasBegun && state === 'waitingForPod' && performance.now() - this.#begun < BEGINS_WITHIN_MS) return;
    if (hasBegun || this.#batch.count === 1) this.#states.set(jobId, state);
    if (!hasBegun && !hasEnded(record)) this.#view.changed(state);
    if (!hasEnded(record)) return;
    this.#states.delete(jobId);
    this.tally.add(record);
    this.#view.ended(record, this.tally.count);
    await this.#tellFiles(record);
  }

  async #tellChanges(): Promise<void> {
    for (const { at, machine, id, to, reason, podId = null } of (await this.#from.tail.look()).entries) {
      // A journal that was rotated is told from its beginning.
      if (machine !== JOB_MACHINE || !this.#ids.has(id) || at < this.#from.at) continue;
      if (ENDS.includes(to)) this.#endsTold += 1;
      if (this.#options.jsonStream) this.#context.out.jsonLine({ at, jobId: id, state: to, podId });
      if (to === 'preparing' && reason) this.#view.say(runText.submittedAgain(id, reason), 'warning');
      this.#view.changed(to as JobState);
    }
  }

  /** The journal has an end a moment after the record. */
  async #tellLastChanges(): Promise<void> {
    const until = performance.now() + LAST_CHANGE_MS;
    while (this.#options.jsonStream && this.#endsTold < this.tally.count && performance.now() < until) {
      await this.#tellChanges();
      await sleep(LOOK_MS / 10);
    }
  }

  async #tellFiles({ facts }: JobRecord): Promise<void> {
    const { out } = this.#context;
    if (out.isJson) return;
    const files = filesHere(facts);
    if (files.length > 0) this.#view.clear();
    for (const { path } of files) {
      out.line(path);
      await this.#pictures.show(path);
    }
  }

  async #tellHowFar(signal: AbortSignal): Promise<void> {
    const { batchId, count } = this.#batch;
    const view = await batchAtWork(this.#context, batchId, signal);
    this.#silentLooks = view === undefined ? this.#silentLooks + 1 : 0;
    if (this.#silentLooks >= SILENT_LOOKS) {
      this.#silentLooks = 0;
      await heedBatch(this.#context, batchId, signal);
    }
    const active = new Map(
      [...this.#states].map(([id, state]) => [id, { state, progress: view?.running[id] ?? null }]),
    );
    this.#tellPods(view?.pods ?? {});
    this.#view.show({ count, tally: this.tally, active, leftMs: view?.leftMs ?? null });
    // A batch extends nothing by itself.
    if (!view?.deadline || view.leftMs === null || this.#isWarned) return;
    this.#isWarned = true;
    const { podId, stopAt } = view.deadline;
    const words = runText.deadlineFirst(podId, clockTime(stopAt), uptimeWords(view.leftMs / 1000));
    this.#view.say(words, 'warning');
  }

  /** A pod that takes no jobs is told once, with what to do about it. */
  #tellPods(pods: Record<string, PodStanding>): void {
    for (const [podId, standing] of Object.entries(pods)) {
      const wasTold = this.#podsTold.get(podId) === standing;
      this.#podsTold.set(podId, standing);
      if (wasTold || (standing !== 'stopped' && standing !== 'gone')) continue;
      const others = this.#batch.podIds.filter((id) => id !== podId && pods[id] !== standing);
      this.#view.say(runText.podWithout(podId, standing, others.length > 0), 'warning');
    }
  }
}
