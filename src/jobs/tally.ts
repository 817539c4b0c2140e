import type { Failure } from '../errors.ts';
import type { BatchFacts, JobFacts, JobState } from '../machines/job-types.ts';
import type { PodStanding } from './environment.ts';
import { wantedOutputs } from './files/index.ts';

/** How a batch stands. */
export interface BatchView {
  counts: Record<JobState, number>;
  /** USD of the jobs that have ended, as far as it is known. */
  spentUsd: number;
  /** Milliseconds until it ends, by the jobs that have ended; null while none has. */
  leftMs: number | null;
  /** A pod that is to be stopped before that: ISO 8601, UTC. */
  deadline: { podId: string; stopAt: string } | null;
  /** How each of its pods stands; without those that were ended for it. */
  pods: Record<string, PodStanding>;
}

const STATES: JobState[] = [
  'reconciling',
  'waitingForPod',
  'preparing',
  'uploading',
  'submitting',
  'queued',
  'running',
  'downloading',
  'done',
  'failed',
  'cancelled',
];

/** What the jobs of a batch that have ended come to. */
export class Tally {
  readonly #counts = new Map<JobState, number>();
  readonly #jobIds = new Set<string>();
  #spentUsd = 0;
  #ranMs = 0;
  #ran = 0;
  /** A pod whose price nobody tells has run one: what the batch costs is not known any more. */
  #unpricedPodId: string | null = null;
  #firstFailed: string | undefined;
  /** Pods that still have files of a job that could not be kept here. */
  #withFiles = new Set<string>();

  clear(): void {
    this.#counts.clear();
    this.#jobIds.clear();
    this.#spentUsd = 0;
    this.#ranMs = 0;
    this.#ran = 0;
    this.#unpricedPodId = null;
    this.#firstFailed = undefined;
    this.#withFiles = new Set();
  }

  add(facts: JobFacts, state: JobState): void {
    const { jobId, usd, ranMs, podId, failure } = facts;
    if (this.#jobIds.has(jobId)) return;
    this.#jobIds.add(jobId);
    this.#counts.set(state, (this.#counts.get(state) ?? 0) + 1);
    this.#spentUsd += usd ?? 0;
    if (ranMs !== null) {
      this.#ranMs += ranMs;
      this.#ran += 1;
      if (usd === null) this.#unpricedPodId ??= podId;
    }
    if (state !== 'failed' || failure?.code === 'podGone') return;
    this.#firstFailed ??= jobId;
    const isLeft = wantedOutputs(facts).some(({ path }) => path === null);
    if (isLeft && podId !== null && failure?.code !== 'outputGone') this.#withFiles.add(podId);
  }

  /** Milliseconds that a job takes at ComfyUI; null while none has ended. */
  get meanMs(): number | null {
    return this.#ran === 0 ? null : this.#ranMs / this.#ran;
  }

  has(jobId: string): boolean {
    return this.#jobIds.has(jobId);
  }

  hasFilesAt(podId: string): boolean {
    return this.#withFiles.has(podId);
  }

  /** Whether one more job may cost what the others have; until one has told what that is, each pod gets one. */
  mayBegin(batch: BatchFacts | undefined, atWork: number): boolean {
    if (batch?.maxCost == null) return true;
    if (this.#ran === 0) return atWork < batch.podIds.length;
    return this.#spentUsd + (this.#spentUsd / this.#ran) * atWork < batch.maxCost || atWork === 0;
  }

  /** Why the jobs that no pod has are not to be run; undefined as long as they are. */
  whyNotRun(batch: BatchFacts | undefined): Failure | undefined {
    if (batch?.onError === 'stop' && this.#firstFailed !== undefined)
      return { code: 'jobNotRun', detail: { reason: 'onError', jobId: this.#firstFailed } };
    if (batch?.maxCost == null) return undefined;
    const { maxCost } = batch;
    if (this.#unpricedPodId !== null)
      return { code: 'jobNotRun', detail: { reason: 'noPrice', podId: this.#unpricedPodId, maxCost } };
    if (this.#spentUsd < maxCost) return undefined;
    return { code: 'jobNotRun', detail: { reason: 'maxCost', usd: this.#spentUsd, maxCost } };
  }

  view(
    unfinished: JobState[],
    batch: BatchFacts | undefined,
    stopAt: (podId: string) => number | undefined,
  ): Omit<BatchView, 'pods'> {
    const counts = Object.fromEntries(STATES.map((state) => [state, this.#counts.get(state) ?? 0]));
    for (const state of unfinished) counts[state] = (counts[state] ?? 0) + 1;
    const podIds = batch?.podIds ?? [];
    const each = this.meanMs;
    const leftMs = each === null ? null : (each * unfinished.length) / Math.max(1, podIds.length);
    const endsAt = Date.now() + (leftMs ?? 0);
    const [first] = podIds
      .map((podId) => ({ podId, at: stopAt(podId) ?? Number.POSITIVE_INFINITY }))
      .filter(({ at }) => unfinished.length > 0 && at < endsAt)
      .sort((one, other) => one.at - other.at);
    return {
      counts: counts as Record<JobState, number>,
      spentUsd: this.#spentUsd,
      leftMs,
      deadline: first ? { podId: first.podId, stopAt: new Date(first.at).toISOString() } : null,
    };
  }
}

/** As the journal names it that a job ends without having been given to a pod. */
export function notRun(failure: JobFacts['failure']): string {
  if (failure === null) return 'cancel.requested';
  return failure.code === 'podGone' ? 'pods.gone' : 'batch.stopped';
}
