import type { JobProgress } from '../machines/job-types.ts';

/** What is told of a job of which nothing is known yet. */
export const NO_PROGRESS: JobProgress = {
  place: null,
  nodeId: null,
  title: null,
  step: null,
  steps: null,
  nodesDone: 0,
  nodes: 0,
  leftMs: null,
  bytes: null,
  ofBytes: null,
};
