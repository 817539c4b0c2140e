export type BucketSize = 'hour' | 'day' | 'week' | 'month' | 'year';

/** A half-open span of time, epoch milliseconds. */
export interface Span {
  from: number;
  to: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The beginning of the bucket that a moment is in; UTC, weeks from Monday. */
export function bucketStart(at: number, size: BucketSize): number {
  const date = new Date(at);
  const year = date.getUTCFullYear();
  if (size === 'year') return Date.UTC(year, 0);
  if (size === 'month') return Date.UTC(year, date.getUTCMonth());
  if (size === 'hour') return Math.floor(at / HOUR_MS) * HOUR_MS;
  const day = Date.UTC(year, date.getUTCMonth(), date.getUTCDate());
  return size === 'day' ? day : day - ((date.getUTCDay() + 6) % 7) * DAY_MS;
}

/** The end of the bucket that begins then. */
export function bucketEnd(start: number, size: BucketSize): number {
  const date = new Date(start);
  if (size === 'year') return Date.UTC(date.getUTCFullYear() + 1, 0);
  if (size === 'month') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  return start + { hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS }[size];
}

/** The buckets of a window that is aligned to them. */
export function bucketsOf({ from, to }: Span, size: BucketSize): Span[] {
  const buckets: Span[] = [];
  for (let start = from; start < to; start = bucketEnd(start, size)) {
    buckets.push({ from: start, to: bucketEnd(start, size) });
  }
  return buckets;
}

/** A window widened to the buckets it touches. */
export function aligned({ from, to }: Span, size: BucketSize): Span {
  const last = bucketStart(to, size);
  return { from: bucketStart(from, size), to: last === to ? to : bucketEnd(last, size) };
}

/** The last n buckets, the one under way included. */
export function lastBuckets(count: number, size: BucketSize, now: number): Span {
  let from = bucketStart(now, size);
  const to = bucketEnd(from, size);
  for (let more = 1; more < count; more++) from = bucketStart(from - 1, size);
  return { from, to };
}
