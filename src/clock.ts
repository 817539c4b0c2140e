import { uptime } from 'node:os';

/** The longest a timer can be, in milliseconds; a longer one would end at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Milliseconds on a clock that nobody sets and that goes on while this machine sleeps, counted from its start; to ten of
 * them, on macOS to a second. `performance.now()` is finer and stands still in a sleep, as timers do.
 */
export function steadyMs(): number {
  return uptime() * 1000;
}

const beganAt = Date.now() - steadyMs();

/**
 * Milliseconds since a stored time, in epoch milliseconds; never less than none. The wall clock counts as it was when
 * this process began: one that is set meanwhile changes no age.
 */
export function ageMs(since: number): number {
  return Math.max(0, beganAt + steadyMs() - since);
}

/** ISO 8601, UTC, of a moment by `steadyMs()`. */
export function wallTime(moment: number): string {
  return new Date(Date.now() - steadyMs() + moment).toISOString();
}
