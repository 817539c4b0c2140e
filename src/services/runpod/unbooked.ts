import type { Bill } from './billing.ts';

export const HOUR_MS = 3_600_000;

/** Time a pod ran at one rate, as autopod saw it. */
export interface Run {
  podId: string;
  /** Epoch milliseconds. */
  from: number;
  to: number;
  /** USD. */
  costPerHour: number;
}

/** USD of one pod in one hour that RunPod has not booked. */
export interface Unbooked {
  podId: string;
  /** Where the hour begins; epoch milliseconds, UTC. */
  from: number;
  usd: number;
}

/**
 * What runs cost beyond what RunPod has booked, by the hour, from `since` on. RunPod books a pod in order: what lies
 * before its last record is taken as booked whole, whatever it says.
 */
export function unbooked(hourBills: Bill[], runs: Run[], since: number): Unbooked[] {
  const booked = new Map<string, number>();
  const lastOf = new Map<string, number>();
  for (const { id, from, compute } of hourBills) {
    if (compute <= 0) continue;
    booked.set(key(id, from), (booked.get(key(id, from)) ?? 0) + compute);
    lastOf.set(id, Math.max(lastOf.get(id) ?? 0, from));
  }
  return [...expectedOf(runs, since).values()].flatMap((expected) => {
    const { podId, from, usd } = expected;
    if (from < (lastOf.get(podId) ?? Number.NEGATIVE_INFINITY)) return [];
    const left = usd - (booked.get(key(podId, from)) ?? 0);
    return left > 1e-9 ? [{ podId, from, usd: left }] : [];
  });
}

/** What the runs cost from `since` on, hour by hour. */
function expectedOf(runs: Run[], since: number): Map<string, Unbooked> {
  const hours = new Map<string, Unbooked>();
  for (const { podId, from, to, costPerHour } of runs) {
    const begin = Math.max(from, since);
    for (let hour = Math.floor(begin / HOUR_MS) * HOUR_MS; hour < to; hour += HOUR_MS) {
      const usd = ((Math.min(to, hour + HOUR_MS) - Math.max(begin, hour)) / HOUR_MS) * costPerHour;
      const before = hours.get(key(podId, hour))?.usd ?? 0;
      hours.set(key(podId, hour), { podId, from: hour, usd: before + usd });
    }
  }
  return hours;
}

function key(podId: string, hour: number): string {
  return `${podId} ${hour}`;
}
