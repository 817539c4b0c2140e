import type { Bill } from '../../services/runpod/billing.ts';
import type { Unbooked } from '../../services/runpod/unbooked.ts';
import { roundedUsd } from '../../store/ledger.ts';
import type { JobCost } from './jobs.ts';

export const GROUPINGS = ['day', 'pod', 'volume', 'gpu', 'job'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** All that costs are told from. */
export interface Gathered {
  /** Epoch milliseconds, on a boundary of RunPod's buckets. */
  since: number;
  until: number;
  pods: Bill[];
  volumes: Bill[];
  unbooked: Unbooked[];
  /** What is known of a pod, by its id. */
  known: Map<string, { name: string | null; gpu: string | null }>;
  volumeNames: Map<string, string>;
  jobs: JobCost[];
}

export interface Row {
  /** A day, an id, a GPU; null for what is of none. */
  key: string | null;
  name: string | null;
  usd: number;
  /** By RunPod. */
  bookedUsd: number;
  /** Reckoned here, for RunPod has not booked it yet. */
  unbookedUsd: number;
}

const DAY_MS = 86_400_000;

/** Every grouping has the same sum. Days are RunPod's, in UTC, and in order; all else is dearest first. */
export function rowsBy(by: Grouping, gathered: Gathered): Row[] {
  if (by === 'job') return byJob(gathered);
  const rows = new Map<string | null, Row>();
  if (by === 'day') for (const day of daysOf(gathered)) add(rows, day, null, 0, 0);
  const { pods, volumes, unbooked, volumeNames } = gathered;
  for (const { id, from, total } of pods) add(rows, ...podGroup(by, gathered, id, from), total, 0);
  for (const { podId, from, usd } of unbooked) add(rows, ...podGroup(by, gathered, podId, from), 0, usd);
  for (const { id, from, total } of volumes) {
    if (by === 'day') add(rows, dayOf(from), null, total, 0);
    else if (by === 'volume') add(rows, id, volumeNames.get(id) ?? null, total, 0);
    else add(rows, null, 'network volumes', total, 0);
  }
  const all = [...rows.values()].map(rounded);
  return by === 'day' ? all : all.toSorted((a, b) => b.usd - a.usd);
}

function podGroup(
  by: Exclude<Grouping, 'job'>,
  { known }: Gathered,
  podId: string,
  at: number,
): [string | null, string | null] {
  const { name = null, gpu = null } = known.get(podId) ?? {};
  if (by === 'day') return [dayOf(at), null];
  if (by === 'pod') return [podId, name];
  return by === 'gpu' ? [gpu ?? 'unknown', null] : [null, 'pods'];
}

/** Jobs, and what the pods and volumes cost besides. */
function byJob({ pods, volumes, unbooked, jobs, since, known }: Gathered): Row[] {
  const booked = sum([...pods, ...volumes].map(({ total }) => total));
  const left = sum(unbooked.map(({ usd }) => usd));
  const within = jobs.filter(({ at }) => at >= since);
  const ofJobs = sum(within.map(({ usd }) => usd));
  const rows = within.map(({ id, gpu, podId, usd }) =>
    rounded({
      key: id,
      name: gpu ?? known.get(podId ?? '')?.gpu ?? null,
      usd,
      bookedUsd: usd,
      unbookedUsd: 0,
    }),
  );
  // Of a job nobody knows what of it is booked; what is not is kept apart.
  const rest = {
    key: null,
    name: 'outside of jobs',
    bookedUsd: Math.max(0, booked - ofJobs),
    unbookedUsd: left,
  };
  return [...rows.toSorted((a, b) => b.usd - a.usd), rounded({ ...rest, usd: rest.bookedUsd + left })];
}

/** Sums of everything, whatever the grouping. */
export function totalsOf({ pods, volumes, unbooked }: Gathered) {
  const podsBooked = sum(pods.map(({ total }) => total));
  const unbookedUsd = sum(unbooked.map(({ usd }) => usd));
  const volumesUsd = sum(volumes.map(({ total }) => total));
  return {
    usd: roundedUsd(podsBooked + unbookedUsd + volumesUsd),
    bookedUsd: roundedUsd(podsBooked + volumesUsd),
    unbookedUsd: roundedUsd(unbookedUsd),
    podsUsd: roundedUsd(podsBooked + unbookedUsd),
    volumesUsd: roundedUsd(volumesUsd),
  };
}

function add(
  rows: Map<string | null, Row>,
  key: string | null,
  name: string | null,
  booked: number,
  left: number,
): void {
  const before = rows.get(key) ?? { key, name, usd: 0, bookedUsd: 0, unbookedUsd: 0 };
  rows.set(key, {
    ...before,
    usd: before.usd + booked + left,
    bookedUsd: before.bookedUsd + booked,
    unbookedUsd: before.unbookedUsd + left,
  });
}

function rounded(row: Row): Row {
  return {
    ...row,
    usd: roundedUsd(row.usd),
    bookedUsd: roundedUsd(row.bookedUsd),
    unbookedUsd: roundedUsd(row.unbookedUsd),
  };
}

function daysOf({ since, until }: Gathered): string[] {
  const days: string[] = [];
  for (let at = Math.floor(since / DAY_MS) * DAY_MS; at < until; at += DAY_MS) days.push(dayOf(at));
  return days;
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function sum(amounts: number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
