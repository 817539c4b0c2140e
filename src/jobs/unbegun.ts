import type { JobFacts } from '../machines/job-types.ts';

/** What no job has before it begins. */
export const UNBEGUN = {
  podId: null,
  submissions: [],
  outputs: null,
  dropped: [],
  ranMs: null,
  startedAt: null,
  endedAt: null,
  usd: null,
  ranOn: null,
  asked: null,
  failure: null,
  cleanedAt: undefined,
} satisfies Partial<JobFacts>;
