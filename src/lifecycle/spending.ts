import { join } from 'node:path';
import { ageMs } from '../clock.ts';
import { AutopodError, type FailureCode, type FailureDetail } from '../errors.ts';
import type { Limits } from '../services/limits.ts';
import type { Pod, RunPod } from '../services/runpod/client.ts';
import { LAUNCH_ID_ENV } from '../services/runpod/pod-request.ts';
import { observePod, type PodSeen } from '../services/runpod/pod-state.ts';
import { HOUR_MS, type Run, unbooked } from '../services/runpod/unbooked.ts';
import type { Home } from '../store/home.ts';
import { withLock } from '../store/lock.ts';
import type { Deadline } from './deadline.ts';
import type { Note } from './environment.ts';
import { type Account, type CostingPod, dayStart, requireWithin } from './limits.ts';
import { patiently } from './patience.ts';
import type { PodRecord, PodStore } from './pod-records.ts';
import type { Purchase, Spend } from './purchase.ts';
import type { Timings } from './timings.ts';

export interface SpendingContext {
  limits: Limits;
  home: Home;
  pods: PodStore;
  runpod: RunPod;
  timings: Timings;
  deadline: Deadline;
  tell: (note: Note) => void;
}

/** Failures after which RunPod may have made or started it all the same. */
const MAY_COST: readonly FailureCode[] = ['createUnanswered', 'apiUnreachable', 'apiUnavailable'];

/**
 * Looks at the account and buys under one lock, so that two commands of this home do not both take the last of a limit.
 * What one of them has bought counts for the other before RunPod lists it.
 */
export function spending(context: SpendingContext): Spend {
  const { limits, home, deadline, tell } = context;
  const onBusy = (holder: FailureDetail) => tell({ kind: 'waitingForBuyer', holder, forMs: deadline.leftMs });
  return async (purchase, signal, act) => {
    if (!isLimited(limits)) return act();
    return withLock(join(home.locks, 'buying'), { signal, onBusy }, async () => {
      await patiently(context, signal, () => requireAllowed(context, purchase, signal));
      await note(context, purchase, Date.now());
      try {
        return await act();
      } catch (error) {
        const mayCost = !(error instanceof AutopodError) || MAY_COST.includes(error.code);
        if (!mayCost) await note(context, purchase, null);
        throw error;
      }
    });
  };
}

function isLimited({ maxPods, maxPerHour, maxPerDay }: Limits): boolean {
  return [maxPods, maxPerHour, maxPerDay].some((limit) => limit !== undefined);
}

/** Throws `limitReached` where the purchase would exceed a limit; changes nothing. */
export async function requireAllowed(
  context: Omit<SpendingContext, 'home' | 'deadline'>,
  purchase: Purchase,
  signal: AbortSignal,
): Promise<void> {
  const { limits, runpod, pods } = context;
  if (!isLimited(limits)) return;
  const listed = await runpod.listPods(signal);
  const records = Object.values(await pods.all());
  const own = records.find((record) => isFor(record, purchase));
  const running = costing(context, listed, records).filter(
    ({ podId }) => podId !== purchase.endsPodId && podId !== nameOf(purchase),
  );
  const now = Date.now();
  const spentToday =
    limits.maxPerDay === undefined ? 0 : await spentSince(context, listed, dayStart(now), signal);
  const asked = { costPerHour: purchase.costPerHour, stopAt: purchase.stopAt ?? plannedStop(own) };
  requireWithin(limits, withBudget(asked, limits, now), { running, spentToday, now } satisfies Account);
}

// What max_per_launch stops costs no more than that.
function withBudget<T extends { costPerHour: number | undefined; stopAt: number | null }>(
  asked: T,
  { maxPerLaunch }: Limits,
  now: number,
): T {
  if (maxPerLaunch === undefined || !asked.costPerHour) return asked;
  const stopAt = now + (maxPerLaunch / asked.costPerHour) * HOUR_MS;
  return { ...asked, stopAt: Math.min(asked.stopAt ?? Number.POSITIVE_INFINITY, stopAt) };
}

function nameOf({ podId, launchId }: Purchase): string | undefined {
  return podId ?? launchId;
}

function isFor({ facts }: PodRecord, { launchId, podId }: Purchase): boolean {
  return podId === undefined ? facts.launchId === launchId : facts.podId === podId;
}

function plannedStop(record: PodRecord | undefined): number | null {
  const stopAt = record?.facts.autoStop?.stopAt;
  return stopAt ? Date.parse(stopAt) : null;
}

/** All pods that cost, and those just bought here that RunPod does not show so yet. */
function costing(
  { timings }: Pick<SpendingContext, 'timings'>,
  listed: Pod[],
  records: PodRecord[],
): CostingPod[] {
  const recordOf = (pod: Pod) =>
    records.find(({ facts }) => facts.podId === pod.id) ??
    records.find(({ facts }) => facts.podId === null && facts.launchId === pod.env?.[LAUNCH_ID_ENV]);
  const shown = listed.flatMap((pod) => {
    const seen = observePod(pod);
    const record = recordOf(pod);
    const isStarted = seen.condition === 'stopped' && isYoung(record, timings.listSettleMs);
    if (!costs(seen) && !isStarted) return [];
    const costPerHour = seen.costPerHour || (record?.facts.bought?.costPerHour ?? 0);
    return [{ podId: pod.id, costPerHour, stopAt: plannedStop(record) }];
  });
  const unlisted = records
    .filter((record) => isYoung(record, timings.lateInListMs))
    .filter((record) => !listed.some((pod) => recordOf(pod) === record))
    .map((record) => ({
      podId: record.facts.podId ?? record.facts.launchId,
      costPerHour: record.facts.bought?.costPerHour ?? 0,
      stopAt: plannedStop(record),
    }));
  return [...shown, ...unlisted];
}

function isYoung(record: PodRecord | undefined, forMs: number): boolean {
  const { bought } = record?.facts ?? {};
  return bought ? ageMs(bought.at) < forMs : false;
}

function costs({ condition, costPerHour }: PodSeen): boolean {
  return condition === 'pending' || condition === 'running' || costPerHour > 0;
}

/** USD of all pods since then: as booked, and for what is not yet from how long they have run. */
async function spentSince(
  { runpod, tell }: Pick<SpendingContext, 'runpod' | 'tell'>,
  listed: Pod[],
  since: number,
  signal: AbortSignal,
): Promise<number> {
  const now = Date.now();
  const bills = await runpod
    .podBilling({ since, until: now, bucketSize: 'hour' }, signal)
    .catch((error: unknown) => {
      if (!(error instanceof AutopodError) || error.code !== 'apiForbidden') throw error;
      tell({ kind: 'billingUnread' });
      return [];
    });
  const runs = listed.map(observePod).flatMap((seen) => runOf(seen, now));
  const left = unbooked(bills, runs, since);
  return [...bills.map(({ total }) => total), ...left.map(({ usd }) => usd)].reduce(
    (sum, usd) => sum + usd,
    0,
  );
}

/** The run a pod is in; none for one that does not run. */
export function runOf({ podId, condition, uptimeSeconds, costPerHour }: PodSeen, now: number): Run[] {
  if (condition !== 'running') return [];
  return [{ podId, from: now - uptimeSeconds * 1000, to: now, costPerHour }];
}

/** Kept with the record before the request leaves, and taken back when RunPod has surely not done it. */
async function note({ pods }: SpendingContext, purchase: Purchase, at: number | null): Promise<void> {
  const [recordId] = Object.entries(await pods.all()).find(([, record]) => isFor(record, purchase)) ?? [];
  if (recordId === undefined) return;
  const bought = at === null ? null : { at, costPerHour: purchase.costPerHour ?? 0 };
  await pods.update(recordId, (saved) => saved && { ...saved, facts: { ...saved.facts, bought } });
}
