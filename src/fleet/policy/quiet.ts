import type { Quiet } from './policy.ts';

const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;

/** Epoch milliseconds of the end of the quiet hours `now` is in; null outside of them. */
export function quietUntil({ from, until, zone }: Quiet, now: number): number | null {
  const sinceBegin = between(minutes(from), minuteOfDay(now, zone));
  const lasts = between(minutes(from), minutes(until)) || DAY_MINUTES;
  return sinceBegin < lasts ? startOfMinute(now) + (lasts - sinceBegin) * MINUTE_MS : null;
}

/** When they begin next, or have begun where it is them now; to the hour on the days on which clocks are set. */
export function quietFrom(quiet: Quiet, now: number): number {
  const minute = minuteOfDay(now, quiet.zone);
  const from = minutes(quiet.from);
  const inMinutes = quietUntil(quiet, now) === null ? between(minute, from) : -between(from, minute);
  return startOfMinute(now) + inMinutes * MINUTE_MS;
}

export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** Minutes from one time of day to the next time it is the other. */
function between(from: number, to: number): number {
  return (to - from + DAY_MINUTES) % DAY_MINUTES;
}

function minutes(time: string): number {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return hour * 60 + minute;
}

function minuteOfDay(at: number, timeZone: string): number {
  const told = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(at);
  return minutes(told);
}

function startOfMinute(at: number): number {
  return Math.floor(at / MINUTE_MS) * MINUTE_MS;
}
