import { filesHere } from '../../jobs/files/index.ts';
import type { JobState } from '../../machines/job-types.ts';
import { type JobRecord, jobState } from '../../store/job-record.ts';
import { millionths, seconds } from './job-view.ts';

/** What one pod has done of a batch. */
export interface PodTally {
  podId: string;
  gpu: string | null;
  jobs: number;
  files: number;
  ranMs: number;
  usd: number;
}

/** What has come of the jobs that have ended; as large for a thousand jobs as for one. */
export class Tally {
  readonly ended: Record<'done' | 'failed' | 'cancelled', number> = { done: 0, failed: 0, cancelled: 0 };
  /** Jobs that ComfyUI ran without some of their outputs. */
  partial = 0;
  readonly #pods = new Map<string, PodTally>();

  add(record: JobRecord): void {
    const state: JobState = jobState(record);
    if (state === 'done' || state === 'failed' || state === 'cancelled') this.ended[state] += 1;
    const { facts } = record;
    if (state === 'done' && (facts.dropped ?? []).length > 0) this.partial += 1;
    const podId = facts.ranOn?.podId ?? facts.podId;
    if (podId === null || facts.ranMs === null) return;
    const pod = this.#pods.get(podId) ?? { podId, gpu: null, jobs: 0, files: 0, ranMs: 0, usd: 0 };
    this.#pods.set(podId, {
      podId,
      gpu: facts.ranOn?.gpu ?? pod.gpu,
      jobs: pod.jobs + 1,
      files: pod.files + filesHere(facts).length,
      ranMs: pod.ranMs + facts.ranMs,
      usd: pod.usd + (facts.usd ?? 0),
    });
  }

  get count(): number {
    return this.ended.done + this.ended.failed + this.ended.cancelled;
  }

  get pods(): PodTally[] {
    return [...this.#pods.values()].toSorted((a, b) => a.podId.localeCompare(b.podId));
  }

  get all(): Omit<PodTally, 'podId' | 'gpu'> {
    const sum = (of: 'jobs' | 'files' | 'ranMs' | 'usd') => this.pods.reduce((all, pod) => all + pod[of], 0);
    return { jobs: sum('jobs'), files: sum('files'), ranMs: sum('ranMs'), usd: sum('usd') };
  }

  /** As `--json` shows it. */
  json() {
    const { files, ranMs, usd } = this.all;
    return {
      ...this.ended,
      files,
      seconds: seconds(ranMs) ?? 0,
      usd: millionths(usd),
      pods: this.pods.map(({ ranMs: ms, usd: cost, ...pod }) => ({
        ...pod,
        seconds: seconds(ms) ?? 0,
        usd: millionths(cost),
      })),
    };
  }
}
