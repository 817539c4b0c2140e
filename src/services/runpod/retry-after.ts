/** Seconds to wait where RunPod says that it is busy, but not for how long. */
const UNSAID_SECONDS = 5;
/** More than this is no wait that anybody could mean; it keeps a number a number. */
const MOST_SECONDS = 366 * 24 * 3600;

/**
 * Seconds that `Retry-After` (RFC 9110, 10.2.3) asks to wait, at least one: a number, or a time by the clock of the
 * answer itself. Undefined where there is none, `UNSAID_SECONDS` where it says nothing that can be meant.
 */
export function retryAfterSeconds(headers: {
  'retry-after'?: string | undefined;
  date?: string | undefined;
}): number | undefined {
  const said = headers['retry-after']?.trim();
  if (said === undefined) return undefined;
  if (/^\d+$/.test(said)) return within(Number(said));
  const time = /^[A-Za-z]{3,9},? /.test(said) ? Date.parse(said) : Number.NaN;
  const now = Date.parse(headers.date ?? '');
  if (Number.isNaN(time) || Number.isNaN(now)) return UNSAID_SECONDS;
  return within(Math.ceil((time - now) / 1000));
}

/** As `retryAfterSeconds`, for an answer whose meaning is to wait. */
export function pauseSeconds(headers: Parameters<typeof retryAfterSeconds>[0]): number {
  return retryAfterSeconds(headers) ?? UNSAID_SECONDS;
}

function within(seconds: number): number {
  return Math.min(Math.max(seconds, 1), MOST_SECONDS);
}
