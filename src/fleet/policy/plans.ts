import type { PodRecordFacts } from '../../lifecycle/pod-records.ts';
import type { Fleet } from '../pods/fleet.ts';
import type { PlanRequest } from '../wire.ts';

export type PlanContext = Pick<Fleet, 'pods' | 'schedule' | 'watchPod'>;

interface Change {
  launchId: string;
  facts: PodRecordFacts;
  who: string;
  request: PlanRequest;
}

export function hasPlan({ stopAfterMs, idleStopMs, extendMs }: PlanRequest): boolean {
  return [stopAfterMs, idleStopMs, extendMs].some((one) => one !== undefined);
}

/** Has the engine ring at another time, keeps what else was asked for, and has all of it looked after from now on. */
export async function changePlan(
  { pods, schedule, watchPod }: PlanContext,
  { launchId, facts, who, request }: Change,
): Promise<void> {
  const { idleStopMs } = request;
  if (idleStopMs !== undefined) {
    const ms = idleStopMs === 'never' ? null : idleStopMs;
    await pods.update(launchId, (saved) => saved && { ...saved, facts: { ...saved.facts, idleStopMs: ms } });
  }
  const at = timeOf(request, facts);
  if (at !== undefined) await schedule(launchId, { at, who: `the plan of ${who}` });
  await watchPod(launchId);
}

/** Epoch milliseconds; null takes the time back, undefined leaves it. */
function timeOf(
  { stopAfterMs, extendMs }: PlanRequest,
  { stopAt }: PodRecordFacts,
): number | null | undefined {
  const now = Date.now();
  if (extendMs !== undefined) return Math.max(now, stopAt ? Date.parse(stopAt) : now) + extendMs;
  if (stopAfterMs === undefined) return undefined;
  return stopAfterMs === 'never' ? null : now + stopAfterMs;
}
