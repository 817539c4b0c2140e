import { AutopodError } from '../errors.ts';
import type { Limits } from '../services/limits.ts';
import { HOUR_MS } from '../services/runpod/unbooked.ts';

/** A pod that costs, or is about to. */
export interface CostingPod {
  podId: string;
  /** USD. */
  costPerHour: number;
  /** When its plan stops it, epoch milliseconds; null where none does. */
  stopAt: number | null;
}

/** What is about to be bought or started. */
export interface Asked {
  /** USD; undefined where RunPod does not tell. */
  costPerHour: number | undefined;
  /** As in `CostingPod`. */
  stopAt: number | null;
}

export interface Account {
  /** All that cost now, whoever made them. */
  running: CostingPod[];
  /** USD of this day so far; only needed for `max_per_day`. */
  spentToday: number;
  /** Epoch milliseconds. */
  now: number;
}

const DAY_MS = 24 * HOUR_MS;

/** The beginning of RunPod's day, which is one of UTC; epoch milliseconds. */
export function dayStart(now: number): number {
  return Math.floor(now / DAY_MS) * DAY_MS;
}

/** Throws `limitReached` with the sum for the first limit that one more pod would exceed. */
export function requireWithin(limits: Limits, asked: Asked, account: Account): void {
  const { maxPods, maxPerHour, maxPerDay } = limits;
  const { running, spentToday, now } = account;
  const pods = running.map(({ podId }) => podId);
  if (maxPods !== undefined && running.length + 1 > maxPods) {
    throw new AutopodError('limitReached', {
      limit: 'max_pods',
      max: maxPods,
      sum: running.length + 1,
      pods,
    });
  }
  if (maxPerHour === undefined && maxPerDay === undefined) return;
  if (asked.costPerHour === undefined) throw unknownRate(limits);
  const runningRate = sum(running.map(({ costPerHour }) => costPerHour));
  exceeds('max_per_hour', maxPerHour, {
    running: runningRate,
    asked: asked.costPerHour,
    pods,
  });
  const untilDayEnd = (stopAt: number | null) => {
    const end = Math.min(stopAt ?? Number.POSITIVE_INFINITY, dayStart(now) + DAY_MS);
    return Math.max(0, end - now) / HOUR_MS;
  };
  exceeds('max_per_day', maxPerDay, {
    spent: spentToday,
    running: sum(running.map(({ costPerHour, stopAt }) => costPerHour * untilDayEnd(stopAt))),
    asked: asked.costPerHour * untilDayEnd(asked.stopAt),
    pods,
  });
}

interface Parts {
  spent?: number;
  running: number;
  asked: number;
  pods: string[];
}

/** A hundredth of a cent is no money. */
const ROUNDING = 1e-4;

function exceeds(limit: string, max: number | undefined, { pods, ...parts }: Parts): void {
  const total = sum([parts.spent ?? 0, parts.running, parts.asked]);
  if (max === undefined || total <= max + ROUNDING) return;
  throw new AutopodError('limitReached', { limit, max, sum: total, ...parts, pods });
}

function unknownRate({ maxPerHour, maxPerDay }: Limits): AutopodError {
  const limit = maxPerHour !== undefined ? 'max_per_hour' : 'max_per_day';
  return new AutopodError('limitReached', { limit, max: maxPerHour ?? maxPerDay, isRateUnknown: true });
}

function sum(amounts: number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
