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
import { type Account, type Asked, type CostingPod, dayStart, requireWithin } from './limits.ts';
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
  /** What else has to allow it, under the same lock. */
  shares?: Shares;
}

/** What each of several people who have one account may spend of it. */
export interface Shares {
  isLimited: () => Promise<boolean>;
  /** Throws `limitReached`. */
  require: (purchase: Purchase, asked: Asked, books: Books) => Promise<void>;
  /** Runs that were ended here, which RunPod may not have booked. */
  endedRuns: () => Promise<Run[]>;
}

/** What the account has run up, pod by pod. */
export interface Books {
  running: CostingPod[];
  /** USD of this day, by the pod's id. */
  spentToday: () => Promise<Map<string, number>>;
  /** Epoch milliseconds. */
  now: number;
}

/** Failures after which RunPod may have made or started it all the same. */
const MAY_COST: readonly FailureCode[] = ['createUnanswered', 'apiUnreachable', 'apiUnavailable'];

/**
 * Looks at the account and buys under one lock, so that two commands of this home do not both take the last of a limit.
 * What one of them has bought counts for the other before RunPod lists it.
 */
export function spending(context: SpendingContext): Spend {
  const { home, deadline, tell } = context;
  const onBusy = (holder: FailureDetail) => tell({ kind: 'waitingForBuyer', holder, forMs: deadline.leftMs });
  return async (purchase, signal, act) => {
    if (!(await isAnyLimited(context))) return act();
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

async function isAnyLimited({
  limits,
  shares,
}: Pick<SpendingContext, 'limits' | 'shares'>): Promise<boolean> {
  return isLimited(limits) || ((await shares?.isLimited()) ?? false);
}

/** Throws `limitReached` where the purchase would exceed a limit; changes nothing. */
export async function requireAllowed(
  context: Omit<SpendingContext, 'home' | 'deadline'>,
  purchase: Purchase,
  signal: AbortSignal,
): Promise<void> {
  const { limits, runpod, pods, shares } = context;
  if (!(await isAnyLimited(context))) return;
  const listed = await runpod.listPods(signal);
  const records = Object.values(await pods.all());
  const own = records.find((record) => isFor(record, purchase));
  const running = costing(context, listed, records).filter(
    ({ podId }) => podId !== purchase.endsPodId && podId !== nameOf(purchase),
  );
  const now = Date.now();
  const spentToday = once(() => spentSince(context, listed, dayStart(now), signal));
  const asked = withBudget(
    { costPerHour: purchase.costPerHour, stopAt: purchase.stopAt ?? plannedStop(own) },
    limits,
    now,
  );
  const spent = limits.maxPerDay === undefined ? 0 : sumOf(await spentToday());
  requireWithin(limits, asked, { running, spentToday: spent, now } satisfies Account);
  await shares?.require(purchase, asked, { running, spentToday, now });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function sumOf(amounts: Map<string, number>): number {
  return [...amounts.values()].reduce((sum, usd) => sum + usd, 0);
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
  const { autoStop, stopAt: atFleets } = record?.facts ?? {};
  const stopAt = atFleets ?? autoStop?.stopAt;
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

/** USD of each pod since then: as booked, and for what is not yet from how long it has run. */
async function spentSince(
  { runpod, tell, shares }: Pick<SpendingContext, 'runpod' | 'tell' | 'shares'>,
  listed: Pod[],
  since: number,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const now = Date.now();
  const bills = await runpod
    .podBilling({ since, until: now, bucketSize: 'hour' }, signal)
    .catch((error: unknown) => {
      if (!(error instanceof AutopodError) || error.code !== 'apiForbidden') throw error;
      tell({ kind: 'billingUnread' });
      return [];
    });
  const ended = (await shares?.endedRuns()) ?? [];
  const runs = [...listed.map(observePod).flatMap((seen) => runOf(seen, now)), ...ended];
  const spent = new Map<string, number>();
  const add = (podId: string, usd: number) => spent.set(podId, (spent.get(podId) ?? 0) + usd);
  for (const { id, total } of bills) add(id, total);
  for (const { podId, usd } of unbooked(bills, runs, since)) add(podId, usd);
  return spent;
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
