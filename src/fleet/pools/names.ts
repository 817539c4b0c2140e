import type { JobState } from '../../machines/job-types.ts';

/** The virtual object that hands jobs to pods: a key for each pool's name. */
export const POOL_OBJECT = 'pool';

/** What a job tells its pool. */
export interface JobNews {
  jobId: string;
  batchId: string;
  /** ComfyUI is through with it; it is over; its pod has given it back. */
  what: 'made' | 'ended' | 'back';
  state: JobState;
  /** What ran it; null where nothing did. */
  podId: string | null;
  /** As in `JobFacts`. */
  ranMs: number | null;
  usd: number | null;
}
