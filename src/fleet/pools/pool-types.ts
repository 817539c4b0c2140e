import type { Failure } from '../../errors.ts';
import type { PodStanding } from '../../jobs/environment.ts';
import type { BatchFacts } from '../../machines/job-types.ts';
import type { PodWish } from '../../machines/pod-types.ts';

/** What somebody wants of a pool. */
export interface PoolWish {
  name: string;
  /** Whose it is. */
  owner: string;
  /** Pods that it has when nothing is to be done, and at most. */
  min: number;
  max: number;
  /** What each of them is. */
  pod: Omit<PodWish, 'name'>;
  /** Milliseconds without a job after which a pod that is more than needed is ended. */
  idleMs: number;
  /** Milliseconds of work that wait before another pod is made for them. */
  patienceMs: number;
}

/** A batch of which something is left. */
export interface Entry extends Pick<BatchFacts, 'batchId' | 'onError' | 'maxCost'> {
  owner: string;
  priority: number;
  /** Earlier ones come first. */
  order: number;
  /** Jobs in all. */
  count: number;
  /** Position of the job that is the next to be handed over. */
  next: number;
  /** Of those that are not handed over yet, how many were cancelled. */
  withdrawn: number;
  /** Jobs that are over, whatever came of them. */
  ended: number;
  /** USD and number of those that ran. */
  usd: number;
  ran: number;
}

/** Batches of one person and priority that stand behind those in `entries`; each is kept under its place. */
export interface Line {
  owner: string;
  priority: number;
  /** The first place, and the one after the last. */
  first: number;
  end: number;
  /** Jobs of all of them. */
  jobs: number;
}

/** A job that a pod has given back. */
export interface Returned {
  jobId: string;
  batchId: string;
}

/** A job that a pod has. */
export interface Assigned extends Returned {
  owner: string;
  /** False once only its files are on their way. */
  isAtComfy: boolean;
  /** Milliseconds that were charged for it in advance. */
  chargedMs: number;
  /** Its pod is no more, and it was asked to come back. */
  isCalledBack?: boolean;
}

export interface PoolPod {
  launchId: string;
  podId: string | null;
  /** Milliseconds since the epoch. */
  begunAt: number;
  standing: 'coming' | 'leaving' | Extract<PodStanding, 'ready' | 'closing' | 'unreachable'>;
  jobs: Assigned[];
  /** When it last had a job, or was begun: epoch milliseconds. */
  busyAt: number;
}

/** Everything a pool has come to; plain JSON, and no larger for many jobs or many batches than for few. */
export interface PoolState {
  wish: PoolWish;
  /** It is to be forgotten once its pods are gone. */
  isRemoved?: boolean;
  /** What it looks at. */
  entries: Entry[];
  /** What stands behind. */
  lines?: Line[];
  /** The next to be handed over again. */
  returned: Returned[];
  pods: PoolPod[];
  /** Milliseconds of pods that each person with something to do has had, from where they came in. */
  had: Record<string, number>;
  /** Of jobs that ran here: how many, and their milliseconds. */
  ran: { jobs: number; ms: number };
  /** Counts batches. */
  orders: number;
  /** Why no pod can be made now; null while nothing is in the way. */
  trouble: { failure: Failure; at: number } | null;
  /** Of the look that is to come; an earlier one counts no more. */
  look: number;
  isLookDue: boolean;
}

/** What is seen of one of a pool's pods. */
export interface PodSeen {
  launchId: string;
  podId: string | null;
  /** As the machine's record has it; null where there is none any more. */
  state: string | null;
  failure: Failure | null;
  /** Null where it was not asked for. */
  standing: PodStanding | null;
}
