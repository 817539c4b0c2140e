import { setTimeout as sleep } from 'node:timers/promises';
import { toFailure } from '../../errors.ts';
import type { Context } from '../context.ts';
import { fleetText } from '../text/fleet.ts';

/** Milliseconds for which a gateway that is away is waited for while a run is handed over, and between two questions. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 1_000;

/** Asks what may be asked twice: a server that is just started again takes up what it had. */
export async function patiently<T>({ signal, out }: Context, ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  let isTold = false;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const { code } = toFailure(error);
      const mayCome = code === 'fleetUnreachable' || code === 'engineUnreachable';
      if (!mayCome || performance.now() > until) throw error;
      if (!isTold) out.say(fleetText.waitingForFleet(PATIENCE_MS / 1000));
      isTold = true;
      await sleep(AGAIN_MS, undefined, { signal });
    }
  }
}
