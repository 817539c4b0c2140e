import { setTimeout as sleep } from 'node:timers/promises';
import { type Run, runHere } from '../host/local.ts';
import type { Saved, Step } from '../host/step.ts';
import { jobMachine } from '../machines/job.ts';
import { jobFactsOf } from '../machines/job-reading.ts';
import type { JobContext, JobFacts, JobState } from '../machines/job-types.ts';
import { type JobRecord, jobRecord } from '../store/job-record.ts';
import type { JobEnvironment } from './environment.ts';
import { jobWorks } from './works.ts';

/** Milliseconds between two attempts to keep a state while the home is away or its disk is full. */
const SAVE_AGAIN_MS = 500;

/** One job at work on its pod. */
export class JobDrive {
  readonly jobId: string;
  readonly podId: string;
  /** Its facts when it has ended. */
  readonly ended: Promise<JobFacts>;
  readonly #env: JobEnvironment;
  readonly #onState: () => void;
  readonly #run: Run<JobContext>;
  readonly #works: ReturnType<typeof jobWorks>;
  readonly #stopped = new AbortController();
  #state: JobState;
  #onBack: () => void = () => undefined;

  /** `onState` is told of each state once it is on disk. */
  constructor(env: JobEnvironment, facts: JobFacts, podId: string, onState: () => void) {
    this.#env = env;
    this.#onState = onState;
    this.jobId = facts.jobId;
    this.podId = podId;
    this.#state = 'reconciling';
    this.#works = jobWorks(env);
    this.#run = runHere<JobContext>({
      machine: jobMachine,
      input: { facts: { ...facts, podId } },
      works: this.#works.works,
      save: (saved) => this.#save(saved),
      journal: (step) => this.#journal(step),
      inspect: ({ to }) => this.#follow(to as JobState),
    });
    this.ended = this.#run.ended.then(({ context }) => jobFactsOf(context));
  }

  get state(): JobState {
    return this.#state;
  }

  /** It failed at ComfyUI; files made before may still be on their way. */
  get hasFailed(): boolean {
    return this.#run.saved.context.failure !== null;
  }

  /** Takes what others have asked for. */
  async heed(): Promise<void> {
    this.#heed(await this.#env.store.get(this.jobId).catch(() => undefined));
  }

  /** Gives the job back: resolves when it is on disk that no pod has it. It does nothing more. */
  async giveBack(): Promise<void> {
    const isBack = new Promise<void>((resolve) => {
      this.#onBack = resolve;
    });
    this.#run.send({ type: 'pod.taken' });
    await Promise.race([isBack, this.ended]);
    await this.stop();
  }

  /** Leaves it as it is saved. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#works.end();
    await this.#run.stop();
    this.#env.onProgress(this.jobId, null);
  }

  #follow(to: JobState): void {
    this.#state = to;
    if (to !== 'queued' && to !== 'running') this.#works.end();
    if (to !== 'queued' && to !== 'running' && to !== 'downloading') this.#env.onProgress(this.jobId, null);
  }

  async #save({ value, context }: Saved<JobContext>): Promise<void> {
    const facts = jobFactsOf(context);
    let isTold = false;
    for (;;) {
      try {
        await this.#env.store.update(this.jobId, (record) => {
          this.#heed(record);
          const asked = facts.asked ?? record.facts.asked;
          return jobRecord({ ...facts, asked }, value as JobState);
        });
        break;
      } catch (error) {
        if (!isTold) this.#env.log(`cannot keep job ${this.jobId}: ${(error as Error).message}`);
        isTold = true;
        await sleep(SAVE_AGAIN_MS, undefined, { signal: this.#stopped.signal });
      }
    }
    if (facts.podId === null && value === 'waitingForPod') this.#onBack();
    queueMicrotask(this.#onState);
  }

  #heed(record: JobRecord | undefined): void {
    const isNews = record?.facts.asked === 'cancel' && this.#run?.saved.context.asked !== 'cancel';
    if (isNews) this.#run.send({ type: 'cancel.requested' });
  }

  #journal({ event, from, to, saved: { context } }: Step<JobContext>): Promise<void> {
    const again = to === 'preparing' && context.submissions.some(({ isTaken }) => isTaken);
    const reason = to === 'failed' ? context.failure?.code : again ? SUBMITTED_AGAIN : undefined;
    const entry = { machine: 'job@1', id: this.jobId, podId: context.ranOn?.podId ?? this.podId };
    const at = new Date().toISOString();
    return this.#env.journal.append({ at, ...entry, event, from: from ?? 'saved', to, reason });
  }
}

const SUBMITTED_AGAIN = 'its ComfyUI does not know of it any more; it is submitted again';
