import type { StopPlan } from '../store/plans.ts';

const HOUR_MS = 3_600_000;

/** What `max_per_launch` is reckoned from. */
export interface LaunchBudget {
  /** USD a pod may cost from its start until it is stopped; undefined for no limit. */
  maxPerLaunch: number | undefined;
  /** USD. */
  costPerHour: number;
  /** How long it has run since its start. */
  uptimeSeconds: number;
  /** Epoch milliseconds. */
  now: number;
}

/** When a pod will have cost `max_per_launch`, epoch milliseconds; null where there is no such moment. */
export function budgetDeadline({
  maxPerLaunch,
  costPerHour,
  uptimeSeconds,
  now,
}: LaunchBudget): number | null {
  if (maxPerLaunch === undefined || costPerHour <= 0) return null;
  return Math.round(now + (maxPerLaunch / costPerHour) * HOUR_MS - uptimeSeconds * 1000);
}

/** RunPod tells uptimes in seconds: a deadline that is only that much earlier is the same one. */
const SAME_MS = 5_000;

/** The plan with the earlier of its own time and the limit's; `limitUsd` says where it is the limit's. */
export function withinBudget<Plan extends Pick<StopPlan, 'stopAt' | 'limitUsd'>>(
  plan: Plan,
  deadline: number | null,
  maxPerLaunch: number | undefined,
): Plan {
  if (deadline === null || maxPerLaunch === undefined) return plan;
  const isEarlier = plan.stopAt === null || deadline < Date.parse(plan.stopAt) - SAME_MS;
  return isEarlier ? { ...plan, stopAt: new Date(deadline).toISOString(), limitUsd: maxPerLaunch } : plan;
}
