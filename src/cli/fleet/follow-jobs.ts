import { setTimeout as sleep } from 'node:timers/promises';
import { type FailureCode, toFailure } from '../../errors.ts';
import type { FleetJob } from '../../fleet/wire-jobs.ts';
import { filesHere } from '../../jobs/files/index.ts';
import type { BatchFacts, JobProgress, JobState } from '../../machines/job-types.ts';
import { hasEnded, type JobRecord } from '../../store/job-record.ts';
import type { Context } from '../context.ts';
import { JobProgressView } from '../running/job-progress.ts';
import { Pictures } from '../running/pictures.ts';
import { Tally } from '../running/tally.ts';
import { fleetText } from '../text/fleet.ts';
import { type JobClient, jobClient } from './job-client.ts';
import { filesOfJob, recordOf } from './job-files.ts';

export interface FollowJobsOptions {
  jsonStream?: boolean;
  /** False where no picture is to be shown. */
  preview: boolean;
  /** Absolute: where files are written; without one they stay on the server. */
  out?: string | undefined;
}

/** Somebody is away for a while, and comes again by themselves. */
const AWAY: FailureCode[] = ['fleetUnreachable', 'engineUnreachable', 'storageUnreachable'];
/** Milliseconds between two questions how a batch stands. */
const POLL_MS = 700;

/**
 * Shows what a fleet does about a batch until all of its jobs have ended, and brings here what each has made as it ends.
 * It goes on without us: an interruption only ends the watching, and a gateway that is away for a while is waited for.
 */
export async function followJobs(
  context: Context,
  batch: BatchFacts,
  options: FollowJobsOptions,
): Promise<{ tally: Tally; records: JobRecord[] }> {
  const followed = new Followed(context, batch, options);
  try {
    await followed.untilEnded();
    return followed;
  } finally {
    followed.end();
  }
}

class Followed {
  readonly tally = new Tally();
  /** As they ended. */
  readonly records: JobRecord[] = [];
  readonly #context: Context;
  readonly #client: JobClient;
  readonly #batch: BatchFacts;
  readonly #options: FollowJobsOptions;
  readonly #view: JobProgressView;
  readonly #pictures: Pictures;
  readonly #told = new Map<string, JobState>();
  #isAwayTold = false;
  #isNoRoomTold = false;

  constructor(context: Context, batch: BatchFacts, options: FollowJobsOptions) {
    this.#context = context;
    this.#client = jobClient(context);
    this.#batch = batch;
    this.#options = options;
    this.#view = new JobProgressView(context.out, batch.count);
    this.#pictures = new Pictures(context, options.preview);
  }

  async untilEnded(): Promise<void> {
    const { signal, deadline } = this.#context;
    const { batchId, count } = this.#batch;
    let from = 0;
    while (from < count) {
      const jobs = await this.#asked(() => this.#client.ofBatch(batchId, from));
      for (const job of jobs) await this.#tell(job);
      const unended = jobs.findIndex((job) => !hasEnded(recordOf(job)));
      from += unended < 0 ? jobs.length : unended;
      if (from >= count) return;
      const active = new Map<string, { state: JobState; progress: JobProgress | null }>();
      if (jobs.some(({ progress }) => progress?.isWaitingForRoom)) this.#sayNoRoom();
      for (const { facts, state, progress } of jobs)
        if (facts.podId !== null && !hasEnded(recordOf({ facts, state, progress })))
          active.set(facts.jobId, { state, progress });
      this.#view.show({ count, tally: this.tally, active, leftMs: null });
      deadline.throwIfOver();
      if (unended >= 0) await sleep(POLL_MS, undefined, { signal });
    }
  }

  end(): void {
    this.#view.end();
  }

  async #tell(job: FleetJob): Promise<void> {
    const { facts, state } = job;
    const { jobId } = facts;
    if (this.#told.get(jobId) === state) return;
    const ended = hasEnded(recordOf(job));
    const record = ended ? await this.#brought(job) : recordOf(job);
    this.#told.set(jobId, state);
    this.#view.changed(state);
    if (this.#options.jsonStream) {
      const at = new Date().toISOString();
      this.#context.out.jsonLine({ at, jobId, state, podId: facts.podId ?? facts.ranOn?.podId ?? null });
    }
    if (!ended) return;
    this.records.push(record);
    this.tally.add(record);
    this.#view.ended(record, this.tally.count);
    if (this.#context.out.isJson || this.#options.out === undefined) return;
    for (const { path } of filesHere(record.facts)) {
      this.#view.clear();
      this.#context.out.line(path);
      await this.#pictures.show(path);
    }
  }

  #sayNoRoom(): void {
    if (!this.#isNoRoomTold) this.#view.say(fleetText.waitsForRoom(), 'warning');
    this.#isNoRoomTold = true;
  }

  async #brought(job: FleetJob): Promise<JobRecord> {
    const { out } = this.#options;
    if (out === undefined) return recordOf(job);
    return this.#asked(() => filesOfJob(job, out, this.#client.download, this.#context.signal));
  }

  /** A gateway that is away is asked again until the command's own time is up. */
  async #asked<T>(question: () => Promise<T>): Promise<T> {
    const { signal, deadline } = this.#context;
    for (;;) {
      try {
        const answer = await question();
        this.#isAwayTold = false;
        return answer;
      } catch (error) {
        const { code } = toFailure(error);
        if (!AWAY.includes(code)) throw error;
        deadline.throwIfOver();
        if (!this.#isAwayTold) this.#view.say(fleetText.fleetAway(), 'warning');
        this.#isAwayTold = true;
        await sleep(POLL_MS, undefined, { signal });
      }
    }
  }
}
