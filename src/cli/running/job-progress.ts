import type { JobProgress, JobState } from '../../machines/job-types.ts';
import { type JobRecord, jobState } from '../../store/job-record.ts';
import type { Output } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { jobUsd, runText } from '../text/run.ts';
import { JOB_STATE_WORDS } from '../text/states.ts';
import { uptimeWords } from '../text/uptime.ts';
import { elapsed, LiveLine } from '../views/progress.ts';
import type { Tally } from './tally.ts';

/** How far a batch is. */
export interface BatchProgress {
  count: number;
  tally: Tally;
  /** Jobs that are being worked on, by id; how far only where it is known. */
  active: ReadonlyMap<string, { state: JobState; progress: JobProgress | null }>;
  /** Milliseconds until the last one ends; null while nothing tells. */
  leftMs: number | null;
}

/**
 * The progress of a batch on stderr: a line for each change of a single job, for each end of several; and on a
 * terminal a last line that is redrawn.
 */
export class JobProgressView {
  readonly #out: Output;
  readonly #begun = performance.now();
  readonly #line: LiveLine | undefined;
  readonly #count: number;
  #last = '';
  /** The reason is the same for all of them. */
  #isNotRunTold = false;

  constructor(out: Output, count: number) {
    this.#out = out;
    this.#count = count;
    this.#line = out.isLive && !out.isJson ? new LiveLine(out, this.#begun) : undefined;
  }

  /** A job has come into a state. */
  changed(state: JobState): void {
    if (this.#count === 1 && state !== 'done') this.#print(sentence(JOB_STATE_WORDS[state]));
  }

  /** A job has ended, as the `nth` of all. */
  ended(record: JobRecord, nth: number): void {
    const { failure, ranMs, jobId, name } = record.facts;
    const state = jobState(record);
    if (this.#count > 1)
      this.#print(runText.jobEnded(jobId, printable(name), nth, this.#count, state, ranMs));
    const { dropped = [] } = record.facts;
    if (state === 'done' && dropped.length > 0) this.say(runText.notMade(dropped), 'warning');
    if (!failure || (failure.code === 'jobNotRun' && this.#isNotRunTold)) return;
    this.#isNotRunTold ||= failure.code === 'jobNotRun';
    const { what, why, next } = FAILURE_WORDS[failure.code](failure.detail);
    this.#line?.clear();
    this.#out.say(`  ${printable(what)}`, 'bad');
    if (why) this.#out.say(`  ${printable(why)}`);
    if (next) this.#out.say(`  → ${printable(next)}`);
  }

  /** Words that stay. */
  say(words: string, tone?: Parameters<Output['say']>[1]): void {
    this.#line?.clear();
    this.#out.say(words.split('\n').map(printable).join('\n'), tone);
  }

  show(batch: BatchProgress): void {
    const words = batch.count === 1 ? oneWords(batch) : severalWords(batch);
    if (words) this.#line?.start(words);
  }

  /** Something else is about to be written. */
  clear(): void {
    this.#line?.clear();
  }

  end(): void {
    this.#line?.stop();
  }

  #print(line: string): void {
    if (line === this.#last) return;
    this.#last = line;
    this.#line?.clear();
    this.#out.say(`${elapsed(this.#begun)}  ${line}`);
  }
}

function oneWords({ active }: BatchProgress): string {
  const [job] = active.values();
  if (!job) return '';
  return [sentence(JOB_STATE_WORDS[job.state]), progressWords(job.progress)].filter(Boolean).join(': ');
}

/** `3 before it`, `“KSampler”, step 12 of 20, 8s left`, `12.0 of 40.0 MB`. */
export function progressWords(progress: JobProgress | null): string {
  if (!progress) return '';
  if (progress.isWaitingForRoom) return 'waiting for room on the disk of the server';
  const { place, title, step, steps, nodesDone, nodes, leftMs, bytes, ofBytes } = progress;
  if (place !== null) return place === 0 ? 'next' : `${place} before it`;
  if (bytes !== null)
    return ofBytes === null ? megabytes(bytes) : `${megabytes(bytes)} of ${megabytes(ofBytes)}`;
  return [
    title === null ? '' : `“${printable(title)}”`,
    steps !== null && steps > 1
      ? `step ${step ?? 0} of ${steps}`
      : nodes > 0
        ? `${nodesDone} of ${nodes} nodes`
        : '',
    leftMs === null ? '' : `${uptimeWords(leftMs / 1000)} left`,
  ]
    .filter(Boolean)
    .join(', ');
}

function severalWords({ count, tally, active, leftMs }: BatchProgress): string {
  const { jobs, usd } = tally.all;
  const leftUsd = jobs === 0 ? 0 : ((count - tally.count) * usd) / jobs;
  return [
    `${tally.count} of ${count} ended`,
    active.size > 0 ? `${active.size} at work` : '',
    leftMs === null ? '' : `about ${uptimeWords(leftMs / 1000)} and ${jobUsd(leftUsd)} left`,
  ]
    .filter(Boolean)
    .join(', ');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
