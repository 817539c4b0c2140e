import { steadyMs } from '../clock.ts';
import type { StopPlan } from '../store/plans.ts';
import type { DueReason } from './auto-stop.ts';
import type { Progress } from './stop-orders.ts';

/** What is remembered of a plan between two looks. */
export interface Watched extends Progress {
  plan: string;
  /** By `steadyMs()`, as `quietSince`. */
  dueAt: number | null;
  quietSince: number;
  /** What kept the pod from being idle when it was asked last. */
  otherWork: string | null;
  /** Why it is to be stopped, where somebody else does that. */
  due: DueReason | null;
}

/** Counts from now. */
export function beginWatch(autoStop: StopPlan): Watched {
  const now = steadyMs();
  const dueAt = autoStop.stopAt === null ? null : now + Date.parse(autoStop.stopAt) - Date.now();
  return {
    plan: JSON.stringify(autoStop),
    dueAt,
    quietSince: now,
    unknownForMs: 0,
    askAgainAt: now,
    otherWork: null,
    due: null,
  };
}
