import { setTimeout as sleep } from 'node:timers/promises';
import { steadyMs } from '../clock.ts';
import { AutopodError } from '../errors.ts';
import type { Front } from './front.ts';

/** Milliseconds between two tries of a port that is taken. */
const AGAIN_MS = 200;

/**
 * Takes a tunnel's local port, which somebody else may have got while no keeper ran: tried again until then, by
 * `steadyMs()`. Throws `localPortTaken`.
 */
export async function takePort(
  front: Front,
  port: number,
  givenUpAt: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      await front.listen(port);
      return;
    } catch (error) {
      const isTaken = error instanceof AutopodError && error.code === 'localPortTaken';
      if (!isTaken || steadyMs() > givenUpAt) throw error;
    }
    await sleep(AGAIN_MS, undefined, { signal });
  }
}
