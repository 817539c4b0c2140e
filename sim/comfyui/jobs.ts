import { randomUUID } from 'node:crypto';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { GONE, type Job, type Outcome, type Prompt } from './job.ts';
import { Pending } from './pending.ts';

export interface HistoryEntry extends Outcome {
  prompt: ReturnType<typeof queueItem>;
}

interface QueueOptions {
  run: (job: Job, signal: AbortSignal) => Promise<Outcome>;
  /** Milliseconds from the end of a job until the history has it. */
  historyLagMs: () => number;
  /** The queue has changed. */
  changed: () => void;
  /** A job has ended and is in the history. */
  ended: (job: Job) => void;
}

export interface SubmitOptions {
  id?: string | undefined;
  clientId?: string | undefined;
  extraData?: Record<string, unknown> | undefined;
  /** Less comes first. The next number, unless told. */
  number?: number | undefined;
  outputs?: string[];
  isEndless?: boolean;
}

/** As in ComfyUI: what is beyond is forgotten, the oldest first. */
const HISTORY_JOBS = 10_000;

/** ComfyUI's queue and history, in memory only. Jobs run one at a time; two of one id are two jobs. */
export class JobQueue {
  readonly history = new Map<string, HistoryEntry>();
  #running: { job: Job; stop: AbortController } | null = null;
  readonly #pending = new Pending<Job>();
  #number = 0;
  readonly #options: QueueOptions;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get running(): readonly Job[] {
    return this.#running ? [this.#running.job] : [];
  }

  get pending(): readonly Job[] {
    return this.#pending.items;
  }

  get remaining(): number {
    return this.running.length + this.pending.length;
  }

  /** The number of the next job; it is used up, also by a prompt that is refused. */
  takeNumber(): number {
    return this.#number++;
  }

  submit(prompt: Prompt, options: SubmitOptions = {}): Job {
    const job: Job = {
      number: options.number ?? this.takeNumber(),
      id: options.id ?? randomUUID(),
      prompt,
      extraData: options.extraData ?? {},
      outputs: options.outputs ?? Object.keys(prompt),
      clientId: options.clientId,
      isEndless: options.isEndless ?? false,
    };
    this.#pending.push(job);
    this.#options.changed();
    this.#next();
    return job;
  }

  /** Ends the running job, if it is that one. */
  interrupt(id?: string): void {
    if (id === undefined || id === this.#running?.job.id) this.#running?.stop.abort();
  }

  /** Takes out what waits; the running job goes on. */
  delete(ids: readonly string[]): boolean {
    const removed = ids.filter((id) => this.#pending.remove(id));
    if (removed.length > 0) this.#options.changed();
    return removed.length > 0;
  }

  clearPending(): void {
    this.#pending.clear();
    this.#options.changed();
  }

  /** Forgets everything, as the end of the process does. */
  reset(): void {
    this.#running?.stop.abort(GONE);
    this.#running = null;
    this.#pending.clear();
    this.history.clear();
    this.#number = 0;
  }

  #next(): void {
    const job = this.#running ? undefined : this.#pending.pop();
    if (!job) return;
    const stop = new AbortController();
    this.#running = { job, stop };
    this.#options.changed();
    void this.#run(job, stop);
  }

  async #run(job: Job, stop: AbortController): Promise<void> {
    const outcome = await this.#options.run(job, stop.signal);
    const lagMs = this.#options.historyLagMs();
    await (lagMs > 0 ? setTimeout(lagMs, undefined, { ref: false }) : setImmediate());
    if (this.#running?.stop !== stop) return;
    this.history.delete(job.id);
    this.history.set(job.id, { prompt: queueItem(job), ...outcome });
    if (this.history.size > HISTORY_JOBS) this.#forgetOldest();
    this.#running = null;
    this.#options.changed();
    this.#options.ended(job);
    this.#next();
  }

  #forgetOldest(): void {
    const [oldest] = this.history.keys();
    if (oldest !== undefined) this.history.delete(oldest);
  }
}

/** A job as `/queue` and `/history` list it. */
export function queueItem({ number, id, prompt, extraData, outputs }: Job) {
  return [number, id, prompt, extraData, outputs] as const;
}
