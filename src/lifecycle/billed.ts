import { AutopodError } from '../errors.ts';
import type { Bill, BillingWindow } from '../services/runpod/billing.ts';
import type { Pod, RunPod } from '../services/runpod/client.ts';
import { observePod } from '../services/runpod/pod-state.ts';
import { HOUR_MS, type Run, type Unbooked, unbooked } from '../services/runpod/unbooked.ts';
import { dayStart } from './limits.ts';
import { runOf } from './spending.ts';

/** Windows in which RunPod is asked for what it has booked. */
export interface Windows {
  /** Epoch milliseconds, on a boundary of RunPod's buckets. */
  since: number;
  until: number;
  byHour: BillingWindow;
  /** Undefined where all of it is asked for by the hour. */
  byDay: BillingWindow | undefined;
}

/** The last two days by the hour, to see up to which one a pod is booked; what was before is booked. */
export function windowsSince(asked: number, until: number): Windows {
  const cut = dayStart(until) - 24 * HOUR_MS;
  const since = asked < cut ? dayStart(asked) : Math.floor(asked / HOUR_MS) * HOUR_MS;
  return {
    since,
    until,
    byHour: { since: Math.max(since, cut), until, bucketSize: 'hour' },
    byDay: since < cut ? { since, until: cut, bucketSize: 'day' } : undefined,
  };
}

/** What pods have cost, as RunPod has booked it and as it is reckoned where it has not. */
export interface Billed {
  pods: Bill[];
  unbooked: Unbooked[];
}

/** Of all pods of the account; `ended` are the runs that autopod ended. Throws what RunPod answers. */
export async function billedIn(
  runpod: Pick<RunPod, 'podBilling'>,
  { byHour, byDay, since, until }: Windows,
  { listed, ended }: { listed: Pod[]; ended: Run[] },
  signal: AbortSignal,
): Promise<Billed> {
  const [days, hours] = await Promise.all([
    byDay ? runpod.podBilling(byDay, signal) : [],
    runpod.podBilling(byHour, signal),
  ]);
  const runs = [...listed.map(observePod).flatMap((seen) => runOf(seen, until)), ...ended];
  return { pods: [...days, ...hours], unbooked: unbooked(hours, runs, Math.max(since, byHour.since)) };
}

/** Likewise; where the key may not see what is booked, all of it is reckoned. */
export async function billedOrReckoned(
  ...[runpod, windows, runs, signal]: Parameters<typeof billedIn>
): Promise<Billed & { isBookRead: boolean }> {
  try {
    return { ...(await billedIn(runpod, windows, runs, signal)), isBookRead: true };
  } catch (error) {
    if (!(error instanceof AutopodError) || error.code !== 'apiForbidden') throw error;
    const all = [...runs.listed.map(observePod).flatMap((seen) => runOf(seen, windows.until)), ...runs.ended];
    return { pods: [], unbooked: unbooked([], all, windows.since), isBookRead: false };
  }
}
