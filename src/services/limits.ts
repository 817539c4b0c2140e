/** What the user allows the account to run and to cost; undefined for no limit. */
export interface Limits {
  /** Pods that run at a time. */
  maxPods: number | undefined;
  /** USD per hour of all pods that run. */
  maxPerHour: number | undefined;
  /** USD per day of all pods; a day is RunPod's, in UTC. */
  maxPerDay: number | undefined;
  /** USD of one pod from its start until it is stopped. */
  maxPerLaunch: number | undefined;
}

/** Limits as the command line names them, and whether they are to be passed over this once. */
export interface LimitOptions extends Partial<Limits> {
  overLimit?: boolean;
}

export const NO_LIMITS: Limits = {
  maxPods: undefined,
  maxPerHour: undefined,
  maxPerDay: undefined,
  maxPerLaunch: undefined,
};

/** The limits in force: flags over the configuration. */
export function limitsInForce(configured: Limits, { overLimit, ...said }: LimitOptions): Limits {
  if (overLimit) return NO_LIMITS;
  return {
    maxPods: said.maxPods ?? configured.maxPods,
    maxPerHour: said.maxPerHour ?? configured.maxPerHour,
    maxPerDay: said.maxPerDay ?? configured.maxPerDay,
    maxPerLaunch: said.maxPerLaunch ?? configured.maxPerLaunch,
  };
}
