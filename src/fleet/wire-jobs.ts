import type { Failure } from '../errors.ts';
import type { PodStanding } from '../jobs/environment.ts';
import type { BatchFacts, JobFacts, JobProgress, JobState } from '../machines/job-types.ts';
import type { PodWish } from '../machines/pod-types.ts';
import type { Bill } from '../services/runpod/billing.ts';
import type { Unbooked } from '../services/runpod/unbooked.ts';

// What goes between the gateway and a member's command line about jobs and pools, as JSON.

/** A job as members see it. Paths of files are those at the gateway, to be asked for; null for what is not there yet. */
export interface FleetJob {
  facts: JobFacts;
  state: JobState;
  progress: JobProgress | null;
}

/** Jobs that go on and the last ones that have ended. */
export interface JobList {
  jobs: FleetJob[];
  /** How many more wait: of each batch the next ones are listed. */
  unlisted: number;
}

/** A batch as it stands. */
export interface FleetBatch {
  batch: BatchFacts;
  isFinished: boolean;
}

export interface SubmitRequest {
  /** Made by whoever submits: asked again with it, nothing is made twice. */
  submission: string;
  /** SHA-256 of what is in `jobs/manifest.ts`, sent before. */
  manifest: string;
  pool: string;
  priority: number;
}

/** A job once more, or what failed of a batch and what was cancelled. */
export interface RetryRequest {
  /** As for `SubmitRequest`. */
  submission: string;
  /** Left out, the one they had. */
  pool?: string | undefined;
}

/** A pool as somebody wants it; left out is what stays as it is. */
export interface PoolRequest {
  /** Only one that is not there, or only one that is. */
  isNew: boolean;
  min?: number | undefined;
  max?: number | undefined;
  idleMs?: number | undefined;
  patienceMs?: number | undefined;
  pod?: Omit<PodWish, 'name'> | undefined;
}

/** A pool as it stands. */
export interface PoolView {
  name: string;
  owner: string;
  min: number;
  max: number;
  idleMs: number;
  patienceMs: number;
  pod: Omit<PodWish, 'name'>;
  isRemoved: boolean;
  /** Jobs that no pod has, and that pods have. */
  waiting: number;
  atWork: number;
  /** By person: jobs that have not ended. */
  jobs: Record<string, number>;
  /** Milliseconds that a job takes; null while none has told. */
  meanMs: number | null;
  pods: {
    podId: string | null;
    launchId: string;
    standing: 'coming' | 'leaving' | PodStanding;
    jobs: string[];
  }[];
  /** Why no pod could be made lately. */
  trouble: { failure: Failure; at: string } | null;
}

/** What a person has cost. */
export interface PersonCosts {
  name: string;
  jobs: number;
  /** That ended as they should. */
  done: number;
  files: number;
  /** For which ComfyUI ran. */
  seconds: number;
  /** USD of their jobs on pods of pools: rate × the time that ComfyUI ran. */
  jobsUsd: number;
  /** USD of pods of their own, whatever these did. */
  podsUsd: number;
  /** Both. */
  usd: number;
  /** The same with their part of what the pools they used have cost by themselves. */
  sharedUsd: number;
}

/** All that the pods of a fleet have cost: the sum of people and pools, either way. USD. */
export interface FleetCosts {
  /** ISO 8601, UTC, on a boundary of RunPod's hours or days. */
  since: string;
  until: string;
  people: PersonCosts[];
  /** While their pods came up, waited and went; `sharedUsd` is what of it nobody has used. */
  pools: { name: string; usd: number; sharedUsd: number }[];
  usd: number;
  /** Of it, what RunPod has not booked yet. */
  unbookedUsd: number;
  /** False where the server's key may not see what RunPod has booked, and all is reckoned. */
  isBookRead: boolean;
}

/** What costs are made up of. */
export interface PodBills {
  /** Epoch milliseconds. */
  since: number;
  until: number;
  pods: Bill[];
  unbooked: Unbooked[];
  known: { podId: string; name: string | null; gpu: string | null }[];
}
