import { setTimeout as sleep } from 'node:timers/promises';
import type { KeeperTimings } from './timings.ts';

/** Pause before an attempt: none before the first, then doubling with jitter up to a low cap. */
export async function awaitRetry(
  attempt: number,
  { firstBackoffMs, maxBackoffMs }: KeeperTimings,
  signal: AbortSignal,
): Promise<void> {
  if (attempt === 0) return;
  const pauseMs = Math.min(firstBackoffMs * 2 ** (attempt - 1), maxBackoffMs);
  await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal });
}
