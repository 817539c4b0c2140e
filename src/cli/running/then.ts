import { setTimeout as sleep } from 'node:timers/promises';
import { toFailure } from '../../errors.ts';
import type { BatchFacts } from '../../machines/job-types.ts';
import { observePod } from '../../services/runpod/pod-state.ts';
import type { Context } from '../context.ts';
import { runText } from '../text/run.ts';

const LOOK_MS = 1_000;
/** How long RunPod has to end a pod, once nothing is left for it. */
const PATIENCE_MS = 3 * 60_000;

/**
 * Waits until RunPod shows what `--then` asked for (I16), and says it. The keeper asks for it; false where a pod still
 * runs in the end.
 */
export async function podsEnded(context: Context, { then, rented }: BatchFacts): Promise<boolean> {
  if (then === 'keep' || rented.length === 0) return true;
  const { out, signal } = context;
  const until = performance.now() + PATIENCE_MS;
  let areEnded = true;
  for (const podId of rented) {
    out.say(runText.endingPod(podId, then, PATIENCE_MS / 1000));
    while (!(await isEnded(context, podId, then))) {
      if (performance.now() > until) {
        out.say(runText.podStillRuns(podId, then), 'bad');
        areEnded = false;
        break;
      }
      await sleep(LOOK_MS, undefined, { signal });
    }
  }
  if (areEnded) out.say(runText.podsEnded(rented, then), 'good');
  return areEnded;
}

async function isEnded(context: Context, podId: string, then: 'stop' | 'kill'): Promise<boolean> {
  try {
    const { condition } = observePod(await (await context.runpod()).getPod(podId, context.signal));
    return condition === 'gone' || (then === 'stop' && condition === 'stopped');
  } catch (error) {
    context.signal.throwIfAborted();
    return toFailure(error).code === 'podNotFound';
  }
}
